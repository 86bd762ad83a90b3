using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Applies <see cref="AxisWeights"/> to the middle axis of <c>[outer, n, inner]</c>: each output row of inner floats is
/// a weighted sum of neighbouring input rows. Memory-bound where inner fills vectors.
/// </summary>
static unsafe class AxisPass<V> where V : struct, IVector<V>
{
    /// <summary>Output rows [first, last) of outer * m; each outer index has n * inner inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(AxisWeights axis, long first, long last, int n, long inner, float* x, float* y)
    {
        long outer = first / axis.Outputs;
        int i = (int)(first % axis.Outputs);
        for (long row = first; row < last; row++)
        {
            float* source = x + (outer * n + axis.First[i]) * inner, target = y + row * inner;
            float* weights = axis.Weights + axis.Start[i];
            if (axis.Count[i] == 2)
                TwoTaps(source, source + inner, weights[0], weights[1], inner, target);
            else
                AnyTaps(source, axis.Count[i], weights, inner, target);
            if (++i < axis.Outputs) continue;
            i = 0;
            outer++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void TwoTaps(float* a, float* b, float weightA, float weightB, long inner, float* y)
    {
        V wa = V.Splat(weightA), wb = V.Splat(weightB);
        long i = 0;
        for (; i <= inner - V.Width; i += V.Width)
            V.MultiplyAdd(wb, V.Load(b + i), wa * V.Load(a + i)).Store(y + i);
        for (; i < inner; i++) y[i] = weightA * a[i] + weightB * b[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AnyTaps(float* x, int taps, float* weights, long inner, float* y)
    {
        long i = 0;
        for (; i <= inner - V.Width; i += V.Width)
        {
            V sum = V.Splat(0);
            for (int t = 0; t < taps; t++) sum = V.MultiplyAdd(V.Splat(weights[t]), V.Load(x + t * inner + i), sum);
            sum.Store(y + i);
        }
        for (; i < inner; i++)
        {
            float sum = 0;
            for (int t = 0; t < taps; t++) sum += weights[t] * x[t * inner + i];
            y[i] = sum;
        }
    }
}
