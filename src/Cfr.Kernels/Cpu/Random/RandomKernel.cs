using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Numbers of a stream from element <c>first</c> on, a multiple of <see cref="PhiloxBlocks.Count"/>. About 7 instructions a number,
/// which one core makes about as fast as it copies memory.
/// </summary>
static unsafe class RandomKernel<V> where V : struct, IVector<V>
{
    const int Batch = PhiloxBlocks.Count;

    /// <summary>u[i] uniform in [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Uniform(RandomKey key, long first, float* u, long count)
    {
        var blocks = new PhiloxBlocks(key);
        ulong block = (ulong)first / Philox.Words;
        Vector256<float> unit = Vector256.Create(Philox.UnitOf24Bits);
        long i = 0;
        for (; i <= count - Batch; i += Batch, block += Batch / Philox.Words)
        {
            blocks.Next(block, out Vector256<uint> lower, out Vector256<uint> upper);
            (Vector256.ConvertToSingle((lower >> 8).AsInt32()) * unit).Store(u + i);
            (Vector256.ConvertToSingle((upper >> 8).AsInt32()) * unit).Store(u + i + Batch / 2);
        }
        for (; i < count; i += Philox.Words, block++)
        {
            var (w0, w1, w2, w3) = Philox.Block(block, key.Stream, key.Seed);
            ReadOnlySpan<float> words = [Philox.Uniform(w0), Philox.Uniform(w1), Philox.Uniform(w2), Philox.Uniform(w3)];
            words[..(int)Math.Min(Philox.Words, count - i)].CopyTo(new Span<float>(u + i, Philox.Words));
        }
    }

    /// <summary>
    /// Standard normal numbers in pairs (z[2i], z[2i + 1]) from the uniform pairs (u, v) that stand there; u, of [0, 1), becomes
    /// u + 2^-24 of (0, 1]. The count is even.
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
            for (int lane = 0; lane < V.Width; lane++) (z[i + 2 * lane], z[i + 2 * lane + 1]) = (first[lane], second[lane]);
        }
        for (; i < count; i += 2)
        {
            BoxMuller.Apply(Lanes1.Splat(z[i] + Philox.UnitOf24Bits), Lanes1.Load(z + i + 1), out Lanes1 cos, out Lanes1 sin);
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
