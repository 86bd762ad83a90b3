namespace Cfr.Kernels.Profiling;

/// <summary><see cref="ISoftmax"/> with its time and cost noted.</summary>
sealed class ProfiledSoftmax(ISoftmax softmax, Profiler profiler) : ISoftmax
{
    public void Forward(long rows, int width, View x, View y)
    {
        using (profiler.Call("softmax forward", $"{rows}x{width}", 0, View.Bytes(x, y)))
            softmax.Forward(rows, width, x, y);
    }

    public void Backward(long rows, int width, View y, View dy, View dx)
    {
        using (profiler.Call("softmax backward", $"{rows}x{width}", 0, View.Bytes(y, dy, dx)))
            softmax.Backward(rows, width, y, dy, dx);
    }

    public void LogForward(long rows, int width, View x, View y)
    {
        using (profiler.Call("log-softmax forward", $"{rows}x{width}", 0, View.Bytes(x, y)))
            softmax.LogForward(rows, width, x, y);
    }

    public void LogBackward(long rows, int width, View y, View dy, View dx)
    {
        using (profiler.Call("log-softmax backward", $"{rows}x{width}", 0, View.Bytes(y, dy, dx)))
            softmax.LogBackward(rows, width, y, dy, dx);
    }
}
