namespace Cfr.Kernels.Cpu;

/// <summary>
/// Functions of single elements, chosen once per call. Large tensors are bound by memory: 8 bytes an element and input,
/// 4 for the output; functions with an exponential cost 20 to 40 FLOP an element and are about as fast.
/// </summary>
sealed unsafe class CpuElementWise<V>(Threads threads) : IElementWise where V : struct, IVector<V>
{
    /// <summary>Elements a thread takes at a time.</summary>
    public const long Piece = 1 << 14;

    public void Fill(View y, float value)
    {
        float* to = y.Floats;
        threads.For(y.Count, Piece, (begin, end) => new Span<float>(to + begin, (int)(end - begin)).Fill(value));
    }

    public void Affine(View x, float scale, float shift, View y) => Map<Affine>(x, y, scale, shift);

    public void Clamp(View x, float low, float high, View y) => Map<Clamp>(x, y, low, high);

    public void ClampBackward(View x, float low, float high, View dy, View dx) =>
        MapBackward<Clamp>(x, dy, dx, low, high);

    public void Unary(UnaryOp op, View x, View y, float parameter = 0)
    {
        switch (op)
        {
            case UnaryOp.Relu: Map<Activated<Relu>>(x, y, parameter); break;
            case UnaryOp.LeakyRelu: Map<LeakyRelu>(x, y, parameter); break;
            case UnaryOp.Gelu: Map<Activated<Gelu>>(x, y, parameter); break;
            case UnaryOp.Sigmoid: Map<Sigmoid>(x, y, parameter); break;
            case UnaryOp.Tanh: Map<Tanh>(x, y, parameter); break;
            case UnaryOp.Exp: Map<Exp>(x, y, parameter); break;
            case UnaryOp.Log: Map<Log>(x, y, parameter); break;
            case UnaryOp.Sqrt: Map<SquareRoot>(x, y, parameter); break;
            case UnaryOp.Square: Map<Square>(x, y, parameter); break;
            case UnaryOp.Abs: Map<AbsoluteValue>(x, y, parameter); break;
            case UnaryOp.Reciprocal: Map<Reciprocal>(x, y, parameter); break;
            case UnaryOp.Sin: Map<Sine>(x, y, parameter); break;
            case UnaryOp.Cos: Map<Cosine>(x, y, parameter); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0)
    {
        switch (op)
        {
            case UnaryOp.Relu: MapBackward<Activated<Relu>>(x, dy, dx, parameter); break;
            case UnaryOp.LeakyRelu: MapBackward<LeakyRelu>(x, dy, dx, parameter); break;
            case UnaryOp.Gelu: MapBackward<Activated<Gelu>>(x, dy, dx, parameter); break;
            case UnaryOp.Sigmoid: MapBackward<Sigmoid>(x, dy, dx, parameter); break;
            case UnaryOp.Tanh: MapBackward<Tanh>(x, dy, dx, parameter); break;
            case UnaryOp.Exp: MapBackward<Exp>(x, dy, dx, parameter); break;
            case UnaryOp.Log: MapBackward<Log>(x, dy, dx, parameter); break;
            case UnaryOp.Sqrt: MapBackward<SquareRoot>(x, dy, dx, parameter); break;
            case UnaryOp.Square: MapBackward<Square>(x, dy, dx, parameter); break;
            case UnaryOp.Abs: MapBackward<AbsoluteValue>(x, dy, dx, parameter); break;
            case UnaryOp.Reciprocal: MapBackward<Reciprocal>(x, dy, dx, parameter); break;
            case UnaryOp.Sin: MapBackward<Sine>(x, dy, dx, parameter); break;
            case UnaryOp.Cos: MapBackward<Cosine>(x, dy, dx, parameter); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y)
    {
        switch (op)
        {
            case BinaryOp.Add: Combine<Add>(broadcast, a, b, y); break;
            case BinaryOp.Subtract: Combine<Subtract>(broadcast, a, b, y); break;
            case BinaryOp.Multiply: Combine<Multiply>(broadcast, a, b, y); break;
            case BinaryOp.Divide: Combine<Divide>(broadcast, a, b, y); break;
            case BinaryOp.Maximum: Combine<Maximum>(broadcast, a, b, y); break;
            case BinaryOp.Minimum: Combine<Minimum>(broadcast, a, b, y); break;
            case BinaryOp.Greater: Combine<Greater>(broadcast, a, b, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, null);
        }
    }

    public void AddScaled(View x, float scale, View y)
    {
        float* from = x.Floats, to = y.Floats;
        threads.For(y.Count, Piece, (begin, end) =>
            MapKernel<V>.AddScaled(from + begin, scale, to + begin, end - begin));
    }

    /// <summary>Bound by a search of 17 steps for each element, not by memory.</summary>
    public void BezierCurves(long rows, int channels, View x, View points, View y)
    {
        float* from = x.Floats, to = y.Floats, p = points.Floats;
        threads.For(rows * channels, Piece / 16, (begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                float* of = p + 4 * (i % channels);
                to[i] = of[0] < 0 ? from[i] : (float)BezierCurve.At(of[0], of[1], of[2], of[3], from[i]);
            }
        });
    }

    public void EqualTo(View labels, int value, View y)
    {
        int* from = labels.Ints;
        float* to = y.Floats;
        threads.For(y.Count, Piece, (begin, end) => MapKernel<V>.EqualTo(from + begin, value, to + begin, end - begin));
    }

    void Map<F>(View x, View y, float p, float q = 0) where F : struct, IUnaryFunction
    {
        float* from = x.Floats, to = y.Floats;
        threads.For(y.Count, Piece,
            (begin, end) => MapKernel<V>.Apply<F>(from + begin, to + begin, end - begin, p, q));
    }

    void MapBackward<F>(View x, View dy, View dx, float p, float q = 0) where F : struct, IUnaryFunction
    {
        float* at = x.Floats, from = dy.Floats, to = dx.Floats;
        threads.For(dx.Count, Piece,
            (begin, end) => MapKernel<V>.Backward<F>(at + begin, from + begin, to + begin, end - begin, p, q));
    }

    void Combine<F>(Broadcast broadcast, View a, View b, View y) where F : struct, IBinaryFunction
    {
        Broadcast merged = broadcast.Merged();
        float* left = a.Floats, right = b.Floats, to = y.Floats;
        threads.For(merged.Count, Piece,
            (begin, end) => BroadcastKernel<V>.Apply<F>(merged, left, right, to, begin, end));
    }
}
