using System.Numerics;

namespace Cfr.Kernels;

/// <summary>Functions of single elements, one at a time.</summary>
static class ElementWiseNaive
{
    public static void Affine<T>(ReadOnlySpan<T> x, T scale, T shift, Span<T> y) where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < y.Length; i++) y[i] = scale * x[i] + shift;
    }

    public static void Unary<T>(UnaryOp op, ReadOnlySpan<T> x, Span<T> y, T parameter)
        where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < y.Length; i++) y[i] = Value(op, x[i], parameter);
    }

    public static void UnaryBackward<T>(UnaryOp op, ReadOnlySpan<T> x, ReadOnlySpan<T> dy, Span<T> dx, T parameter)
        where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < dx.Length; i++) dx[i] = dy[i] * Derivative(op, x[i], parameter);
    }

    /// <summary>y[o, m, i] = f(a[o, m, i], b[o OuterStride + m MiddleStride + i InnerStride])</summary>
    public static void Binary<T>(BinaryOp op, Broadcast broadcast, ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        int place = 0;
        for (long o = 0; o < broadcast.Outer; o++)
            for (long m = 0; m < broadcast.Middle; m++)
                for (long i = 0; i < broadcast.Inner; i++, place++)
                    y[place] = Value(op, a[place],
                        b[(int)(o * broadcast.OuterStride + m * broadcast.MiddleStride + i * broadcast.InnerStride)]);
    }

    public static void Clamp<T>(ReadOnlySpan<T> x, T low, T high, Span<T> y) where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < y.Length; i++) y[i] = T.Min(T.Max(x[i], low), high);
    }

    public static void ClampBackward<T>(ReadOnlySpan<T> x, T low, T high, ReadOnlySpan<T> dy, Span<T> dx)
        where T : IFloatingPointIeee754<T>
    {
        for (int i = 0; i < dx.Length; i++) dx[i] = x[i] >= low && x[i] <= high ? dy[i] : T.Zero;
    }

    /// <summary>As published: both coordinates are sampled, and y is linear between samples.</summary>
    public static void BezierCurves<T>(int channels, ReadOnlySpan<T> x, ReadOnlySpan<T> points, Span<T> y)
        where T : IFloatingPointIeee754<T>
    {
        const int Samples = 100_000;
        for (int c = 0; c < channels; c++)
        {
            T[] xs = Coordinate(points[4 * c], points[4 * c + 2]), ys = Coordinate(points[4 * c + 1], points[4 * c + 3]);
            for (int i = c; i < y.Length; i += channels)
            {
                T at = T.Clamp(x[i], T.Zero, T.One);
                int after = 1;
                while (after < Samples - 1 && xs[after] <= at) after++;
                y[i] = points[4 * c] < T.Zero
                    ? x[i] : ys[after - 1] + (ys[after] - ys[after - 1]) * (at - xs[after - 1]) / (xs[after] - xs[after - 1]);
            }
        }

        static T[] Coordinate(T first, T second)
        {
            T three = T.CreateChecked(3);
            return
            [
                .. Enumerable.Range(0, Samples).Select(i =>
                {
                    T t = T.CreateChecked(i) / T.CreateChecked(Samples - 1), rest = T.One - t;
                    return three * rest * rest * t * first + three * rest * t * t * second + t * t * t;
                }),
            ];
        }
    }

    public static T Value<T>(UnaryOp op, T x, T p) where T : IFloatingPointIeee754<T> => op switch
    {
        UnaryOp.Relu => ActivationNaive.Apply(Activation.Relu, x),
        UnaryOp.LeakyRelu => x > T.Zero ? x : p * x,
        UnaryOp.Gelu => ActivationNaive.Apply(Activation.Gelu, x),
        UnaryOp.Sigmoid => T.One / (T.One + T.Exp(-x)),
        UnaryOp.Tanh => T.Tanh(x),
        UnaryOp.Exp => T.Exp(x),
        UnaryOp.Log => T.Log(x),
        UnaryOp.Sqrt => T.Sqrt(x),
        UnaryOp.Square => x * x,
        UnaryOp.Abs => T.Abs(x),
        UnaryOp.Reciprocal => T.One / x,
        UnaryOp.Sin => T.Sin(x),
        UnaryOp.Cos => T.Cos(x),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, null),
    };

    public static T Derivative<T>(UnaryOp op, T x, T p) where T : IFloatingPointIeee754<T> => op switch
    {
        UnaryOp.Relu => ActivationNaive.Derivative(Activation.Relu, x),
        UnaryOp.LeakyRelu => x > T.Zero ? T.One : p,
        UnaryOp.Gelu => ActivationNaive.Derivative(Activation.Gelu, x),
        UnaryOp.Sigmoid => T.One / ((T.One + T.Exp(-x)) * (T.One + T.Exp(x))),
        UnaryOp.Tanh => T.One / (T.Cosh(x) * T.Cosh(x)),
        UnaryOp.Exp => T.Exp(x),
        UnaryOp.Log => T.One / x,
        UnaryOp.Sqrt => T.One / (T.Sqrt(x) + T.Sqrt(x)),
        UnaryOp.Square => x + x,
        UnaryOp.Abs => x == T.Zero ? T.Zero : T.CopySign(T.One, x),
        UnaryOp.Reciprocal => -T.One / (x * x),
        UnaryOp.Sin => T.Cos(x),
        UnaryOp.Cos => -T.Sin(x),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, null),
    };

    public static T Value<T>(BinaryOp op, T a, T b) where T : IFloatingPointIeee754<T> => op switch
    {
        BinaryOp.Add => a + b,
        BinaryOp.Subtract => a - b,
        BinaryOp.Multiply => a * b,
        BinaryOp.Divide => a / b,
        BinaryOp.Maximum => T.Max(a, b),
        BinaryOp.Minimum => T.Min(a, b),
        BinaryOp.Greater => a > b ? T.One : T.Zero,
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, null),
    };
}
