using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Numbers of a stream from element <c>first</c> on, a multiple of <see cref="PhiloxBlocks.Count"/>. About 7
/// instructions a number, which one core makes about as fast as it copies memory.
/// </summary>
static unsafe class RandomKernel<V> where V : struct, IVector<V>
{
    /// <summary>u[i] uniform in [0, 1).</summary>
    public static void Uniform(RandomKey key, long first, float* u, long count)
    {
        ulong block = (ulong)first / Philox.Words;
        long groups = count / PhiloxBlocks.Count;
        PhiloxBlocks.Uniform(key, block, groups, u);
        long rest = count % PhiloxBlocks.Count;
        if (rest == 0) return;
        float* tail = stackalloc float[PhiloxBlocks.Count];
        PhiloxBlocks.Uniform(key, block + (ulong)(groups * PhiloxBlocks.Count / Philox.Words), 1, tail);
        new Span<float>(tail, (int)rest).CopyTo(new Span<float>(u + count - rest, (int)rest));
    }

    /// <summary>
    /// Standard normal numbers in pairs (z[2i], z[2i + 1]) from the uniform pairs (u, v) that stand there; u, of [0,
    /// 1), becomes u + 2^-24 of (0, 1]. The count is even.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToNormal(float* z, long count)
    {
        float* first = stackalloc float[V.Width], second = stackalloc float[V.Width];
        long i = 0;
        for (; i <= count - 2 * V.Width; i += 2 * V.Width)
        {
            for (int lane = 0; lane < V.Width; lane++)
                (first[lane], second[lane]) = (z[i + 2 * lane] + Philox.UnitOf24Bits, z[i + 2 * lane + 1]);
            BoxMuller.Apply(V.Load(first), V.Load(second), out V cos, out V sin);
            cos.Store(first);
            sin.Store(second);
            for (int lane = 0; lane < V.Width; lane++)
                (z[i + 2 * lane], z[i + 2 * lane + 1]) = (first[lane], second[lane]);
        }
        for (; i < count; i += 2)
        {
            Lanes1 u = Lanes1.Splat(z[i] + Philox.UnitOf24Bits), v = Lanes1.Load(z + i + 1);
            BoxMuller.Apply(u, v, out Lanes1 cos, out Lanes1 sin);
            cos.Store(z + i);
            sin.Store(z + i + 1);
        }
    }

    /// <summary>y = scale x where u >= rate, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Drop(float* u, float rate, float scale, float* x, float* y, long count)
    {
        V r = V.Splat(rate), s = V.Splat(scale), zero = V.Splat(0);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width)
            V.Select(V.Greater(r, V.Load(u + i)), zero, V.Load(x + i) * s).Store(y + i);
        for (; i < count; i++) y[i] = rate > u[i] ? 0 : x[i] * scale;
    }
}
