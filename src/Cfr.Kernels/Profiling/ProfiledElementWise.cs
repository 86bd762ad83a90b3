namespace Cfr.Kernels.Profiling;

/// <summary><see cref="IElementWise"/> with its time and cost noted.</summary>
sealed class ProfiledElementWise(IElementWise elementWise, Profiler profiler) : IElementWise
{
    public void Fill(View y, float value)
    {
        using (profiler.Call("fill", $"{y.Count}", 0, View.Bytes(y)))
            elementWise.Fill(y, value);
    }

    public void Affine(View x, float scale, float shift, View y)
    {
        using (profiler.Call("affine", $"{y.Count}", 0, View.Bytes(x, y)))
            elementWise.Affine(x, scale, shift, y);
    }

    public void Unary(UnaryOp op, View x, View y, float parameter = 0)
    {
        using (profiler.Call($"{Name(op)} forward", $"{y.Count}", 0, View.Bytes(x, y)))
            elementWise.Unary(op, x, y, parameter);
    }

    public void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0)
    {
        using (profiler.Call($"{Name(op)} backward", $"{dx.Count}", 0, View.Bytes(x, dy, dx)))
            elementWise.UnaryBackward(op, x, dy, dx, parameter);
    }

    public void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y)
    {
        using (profiler.Call(Name(op), $"{y.Count}", 0, View.Bytes(a, b, y)))
            elementWise.Binary(op, broadcast, a, b, y);
    }

    public void AddScaled(View x, float scale, View y)
    {
        using (profiler.Call("add scaled", $"{y.Count}", 0, View.Bytes(x, y, y)))
            elementWise.AddScaled(x, scale, y);
    }

    public void Clamp(View x, float low, float high, View y)
    {
        using (profiler.Call("clamp forward", $"{y.Count}", 0, View.Bytes(x, y)))
            elementWise.Clamp(x, low, high, y);
    }

    public void ClampBackward(View x, float low, float high, View dy, View dx)
    {
        using (profiler.Call("clamp backward", $"{dx.Count}", 0, View.Bytes(x, dy, dx)))
            elementWise.ClampBackward(x, low, high, dy, dx);
    }

    public void BezierCurves(long rows, int channels, View x, View points, View y)
    {
        using (profiler.Call("bezier curves", $"{rows}x{channels}", 0, View.Bytes(x, points, y)))
            elementWise.BezierCurves(rows, channels, x, points, y);
    }

    public void EqualTo(View labels, int value, View y)
    {
        using (profiler.Call("equal to", $"{y.Count}", 0, View.Bytes(labels, y)))
            elementWise.EqualTo(labels, value, y);
    }

    static string Name<T>(T op) where T : struct, Enum => op.ToString().ToLowerInvariant();
}
