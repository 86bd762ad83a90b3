using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Layer norm of rows, each while it is in the first-level cache: its sum, then the deviations from that mean, whose
/// own sum corrects the mean, then y. Reads x once and writes y once from memory: 8 bytes and about 8 FLOP an element.
/// </summary>
static unsafe class LayerNormForward<V> where V : struct, IVector<V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(
        float* x, int width, float eps, float* weight, float* bias, float* y, float* mean, float* inverseDeviation)
    {
        float m = RowSums<V>.Sum(x, width) / width;
        RowSums<V>.Deviations(x, width, m, out float sum, out float squares);
        float correction = sum / width;
        float variance = MathF.Max(squares / width - correction * correction, 0);
        m += correction;
        float inverse = 1 / MathF.Sqrt(variance + eps);
        *mean = m;
        *inverseDeviation = inverse;

        V center = V.Splat(m), scale = V.Splat(inverse);
        int i = 0;
        for (; i <= width - V.Width; i += V.Width)
            V.MultiplyAdd((V.Load(x + i) - center) * scale, V.Load(weight + i), V.Load(bias + i)).Store(y + i);
        for (; i < width; i++) y[i] = (x[i] - m) * inverse * weight[i] + bias[i];
    }
}
