using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>Sums along one row, in four independent chains so that additions overlap; the tail is scalar.</summary>
static unsafe class RowSums<V> where V : struct, IVector<V>
{
    const int Chains = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum(float* x, int width)
    {
        V s0 = V.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        int i = 0;
        for (; i <= width - Chains * V.Width; i += Chains * V.Width)
        {
            s0 += V.Load(x + i);
            s1 += V.Load(x + i + V.Width);
            s2 += V.Load(x + i + 2 * V.Width);
            s3 += V.Load(x + i + 3 * V.Width);
        }
        for (; i <= width - V.Width; i += V.Width) s0 += V.Load(x + i);
        float sum = V.Sum(s0 + s1 + (s2 + s3));
        for (; i < width; i++) sum += x[i];
        return sum;
    }

    /// <summary>Sum of x - center and of its square.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Deviations(float* x, int width, float center, out float sum, out float squares)
    {
        V c = V.Splat(center), s0 = V.Splat(0), s1 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
        int i = 0;
        for (; i <= width - Chains * V.Width; i += Chains * V.Width)
        {
            V d0 = V.Load(x + i) - c, d1 = V.Load(x + i + V.Width) - c;
            V d2 = V.Load(x + i + 2 * V.Width) - c, d3 = V.Load(x + i + 3 * V.Width) - c;
            s0 += d0 + d1;
            s1 += d2 + d3;
            q0 = V.MultiplyAdd(d0, d0, q0);
            q1 = V.MultiplyAdd(d1, d1, q1);
            q2 = V.MultiplyAdd(d2, d2, q2);
            q3 = V.MultiplyAdd(d3, d3, q3);
        }
        for (; i <= width - V.Width; i += V.Width)
        {
            V d = V.Load(x + i) - c;
            s0 += d;
            q0 = V.MultiplyAdd(d, d, q0);
        }
        sum = V.Sum(s0 + s1);
        squares = V.Sum(q0 + q1 + (q2 + q3));
        for (; i < width; i++)
        {
            float d = x[i] - center;
            sum += d;
            squares += d * d;
        }
    }
}
