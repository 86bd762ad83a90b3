using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>A function of turned rows, in place in a; see <see cref="RowBlock"/>.</summary>
unsafe interface IBlockFunction
{
    static abstract void Apply<V>(int width, float* a, float* b) where V : struct, IVector<V>;
}

/// <summary>a = softmax(a)</summary>
readonly unsafe struct SoftmaxOfBlock : IBlockFunction
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<V>(int width, float* a, float* b) where V : struct, IVector<V>
    {
        for (float* lane = a; lane < a + RowBlock.Rows; lane += V.Width)
        {
            V max = Largest<V>(width, lane), sum = V.Splat(0);
            for (int k = 0; k < width; k++)
            {
                V e = Exponential.ApplyToNonPositive(V.Load(lane + k * RowBlock.Rows) - max);
                e.Store(lane + k * RowBlock.Rows);
                sum += e;
            }
            V inverse = V.Splat(1) / sum;
            for (int k = 0; k < width; k++)
                (V.Load(lane + k * RowBlock.Rows) * inverse).Store(lane + k * RowBlock.Rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Largest<V>(int width, float* lane) where V : struct, IVector<V>
    {
        V max = V.Load(lane);
        for (int k = 1; k < width; k++)
        {
            V x = V.Load(lane + k * RowBlock.Rows);
            max = V.Select(V.Greater(x, max), x, max);
        }
        return max;
    }
}

/// <summary>a = log softmax(a)</summary>
readonly unsafe struct LogSoftmaxOfBlock : IBlockFunction
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<V>(int width, float* a, float* b) where V : struct, IVector<V>
    {
        for (float* lane = a; lane < a + RowBlock.Rows; lane += V.Width)
        {
            V max = SoftmaxOfBlock.Largest<V>(width, lane), sum = V.Splat(0);
            for (int k = 0; k < width; k++)
                sum += Exponential.ApplyToNonPositive(V.Load(lane + k * RowBlock.Rows) - max);
            V logSum = Logarithm.Apply(sum);
            for (int k = 0; k < width; k++)
                (V.Load(lane + k * RowBlock.Rows) - max - logSum).Store(lane + k * RowBlock.Rows);
        }
    }
}

/// <summary>a = a (b - sum(a b)): a is softmax, b the gradient of it.</summary>
readonly unsafe struct SoftmaxGradientOfBlock : IBlockFunction
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<V>(int width, float* a, float* b) where V : struct, IVector<V>
    {
        for (int r = 0; r < RowBlock.Rows; r += V.Width)
        {
            V sum = V.Splat(0);
            for (int i = r; i < width * RowBlock.Rows; i += RowBlock.Rows)
                sum = V.MultiplyAdd(V.Load(a + i), V.Load(b + i), sum);
            for (int i = r; i < width * RowBlock.Rows; i += RowBlock.Rows)
                (V.Load(a + i) * (V.Load(b + i) - sum)).Store(a + i);
        }
    }
}

/// <summary>a = b - exp(a) sum(b): a is log softmax, b the gradient of it.</summary>
readonly unsafe struct LogSoftmaxGradientOfBlock : IBlockFunction
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<V>(int width, float* a, float* b) where V : struct, IVector<V>
    {
        for (int r = 0; r < RowBlock.Rows; r += V.Width)
        {
            V sum = V.Splat(0);
            for (int i = r; i < width * RowBlock.Rows; i += RowBlock.Rows) sum += V.Load(b + i);
            for (int i = r; i < width * RowBlock.Rows; i += RowBlock.Rows)
                (V.Load(b + i) - Exponential.ApplyToNonPositive(V.Load(a + i)) * sum).Store(a + i);
        }
    }
}
