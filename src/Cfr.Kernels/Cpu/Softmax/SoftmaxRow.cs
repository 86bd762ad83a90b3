using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Softmax of one wide row, which stays in the first-level cache between its passes: largest value, exponentials and
/// their sum, scaling. The tail of the row is padded to a vector with -inf, whose exponential is 0.
/// </summary>
static unsafe class SoftmaxRow<V> where V : struct, IVector<V>
{
    const int LanesAtMost = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(float* x, int width, float* y)
    {
        V max = V.Splat(Largest(x, width)), s0 = V.Splat(0), s1 = s0;
        int i = 0;
        for (; i <= width - 2 * V.Width; i += 2 * V.Width)
        {
            V e0 = Exponential.ApplyToNonPositive(V.Load(x + i) - max);
            V e1 = Exponential.ApplyToNonPositive(V.Load(x + i + V.Width) - max);
            e0.Store(y + i);
            e1.Store(y + i + V.Width);
            s0 += e0;
            s1 += e1;
        }
        float* tail = stackalloc float[LanesAtMost];
        for (; i < width; i += V.Width)
        {
            int count = Math.Min(V.Width, width - i);
            V e = Exponential.ApplyToNonPositive(LoadPadded(x + i, count, tail) - max);
            s0 += e;
            StoreSome(e, y + i, count, tail);
        }

        float inverse = 1 / V.Sum(s0 + s1);
        V scale = V.Splat(inverse);
        for (i = 0; i <= width - V.Width; i += V.Width) (V.Load(y + i) * scale).Store(y + i);
        for (; i < width; i++) y[i] *= inverse;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LogForward(float* x, int width, float* y)
    {
        float largest = Largest(x, width);
        V max = V.Splat(largest), s0 = V.Splat(0), s1 = s0;
        int i = 0;
        for (; i <= width - 2 * V.Width; i += 2 * V.Width)
        {
            s0 += Exponential.ApplyToNonPositive(V.Load(x + i) - max);
            s1 += Exponential.ApplyToNonPositive(V.Load(x + i + V.Width) - max);
        }
        float* tail = stackalloc float[LanesAtMost];
        for (; i < width; i += V.Width)
            s0 += Exponential.ApplyToNonPositive(LoadPadded(x + i, Math.Min(V.Width, width - i), tail) - max);

        float logSum = MathF.Log(V.Sum(s0 + s1));
        V shift = V.Splat(logSum);
        for (i = 0; i <= width - V.Width; i += V.Width) (V.Load(x + i) - max - shift).Store(y + i);
        for (; i < width; i++) y[i] = x[i] - largest - logSum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(float* y, int width, float* dy, float* dx)
    {
        V s0 = V.Splat(0), s1 = s0;
        int i = 0;
        for (; i <= width - 2 * V.Width; i += 2 * V.Width)
        {
            s0 = V.MultiplyAdd(V.Load(y + i), V.Load(dy + i), s0);
            s1 = V.MultiplyAdd(V.Load(y + i + V.Width), V.Load(dy + i + V.Width), s1);
        }
        float sum = V.Sum(s0 + s1);
        for (; i < width; i++) sum += y[i] * dy[i];
        V shift = V.Splat(sum);
        for (i = 0; i <= width - V.Width; i += V.Width) (V.Load(y + i) * (V.Load(dy + i) - shift)).Store(dx + i);
        for (; i < width; i++) dx[i] = y[i] * (dy[i] - sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LogBackward(float* y, int width, float* dy, float* dx)
    {
        V sum = V.Splat(RowSums<V>.Sum(dy, width));
        int i = 0;
        for (; i <= width - V.Width; i += V.Width)
            (V.Load(dy + i) - Exponential.ApplyToNonPositive(V.Load(y + i)) * sum).Store(dx + i);
        if (i == width) return;
        float* tail = stackalloc float[LanesAtMost], gradient = stackalloc float[LanesAtMost];
        int count = width - i;
        V e = Exponential.ApplyToNonPositive(LoadPadded(y + i, count, tail));
        StoreSome(LoadPadded(dy + i, count, gradient) - e * sum, dx + i, count, tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Largest(float* x, int width)
    {
        V m0 = V.Splat(float.NegativeInfinity), m1 = m0;
        int i = 0;
        for (; i <= width - 2 * V.Width; i += 2 * V.Width)
        {
            V x0 = V.Load(x + i), x1 = V.Load(x + i + V.Width);
            m0 = V.Select(V.Greater(x0, m0), x0, m0);
            m1 = V.Select(V.Greater(x1, m1), x1, m1);
        }
        // A NaN is lost here and comes back through its own exponential.
        float max = V.Largest(V.Max(m0, m1));
        for (; i < width; i++) max = x[i] > max ? x[i] : max;
        return max;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V LoadPadded(float* source, int count, float* memory)
    {
        V.Splat(float.NegativeInfinity).Store(memory);
        for (int i = 0; i < count; i++) memory[i] = source[i];
        return V.Load(memory);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreSome(V value, float* target, int count, float* memory)
    {
        value.Store(memory);
        for (int i = 0; i < count; i++) target[i] = memory[i];
    }
}
