using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Random numbers and dropout: uniform numbers are made in batches that stay in the first-level cache, and turned from
/// there into what is wanted.
/// </summary>
sealed unsafe class CpuRandom<V>(Threads threads, BufferPool pool) : IRandom where V : struct, IVector<V>
{
    const long Piece = 1 << 14;
    const int Batch = 1024;

    public void Uniform(RandomKey key, View y, float low, float high)
    {
        float* to = y.Floats;
        threads.For(y.Count, Piece, (begin, end) =>
        {
            RandomKernel<V>.Uniform(key, begin, to + begin, end - begin);
            MapKernel<V>.Apply<Affine>(to + begin, to + begin, end - begin, high - low, low);
        });
    }

    public void Normal(RandomKey key, View y, float mean, float deviation)
    {
        float* to = y.Floats;
        threads.For(y.Count, Piece, [SkipLocalsInit] (begin, end) =>
        {
            float* z = stackalloc float[Batch];
            for (; begin < end; begin += Batch)
            {
                long count = Math.Min(Batch, end - begin);
                long pairs = count + (count & 1);
                RandomKernel<V>.Uniform(key, begin, z, pairs);
                RandomKernel<V>.ToNormal(z, pairs);
                MapKernel<V>.Apply<Affine>(z, to + begin, count, deviation, mean);
            }
        });
    }

    public void Dropout(RandomKey key, float rate, long outer, long middle, long inner, View x, View y)
    {
        float* from = x.Floats, to = y.Floats;
        if (middle == 1)
        {
            DropElements(key, rate, from, to, outer * inner);
            return;
        }
        DeviceBuffer buffer = pool.Rent(outer * inner * sizeof(float));
        float* mask = (float*)buffer.Address;
        threads.For(outer * inner, Piece, (begin, end) => new Span<float>(mask + begin, (int)(end - begin)).Fill(1));
        DropElements(key, rate, mask, mask, outer * inner);
        Broadcast overMiddle = new Broadcast(outer, middle, inner, inner, 0, 1).Merged();
        threads.For(overMiddle.Count, Piece,
            (begin, end) => BroadcastKernel<V>.Apply<Keep>(overMiddle, from, mask, to, begin, end));
        buffer.Release();
    }

    void DropElements(RandomKey key, float rate, float* x, float* y, long count)
    {
        float scale = 1 / (1 - rate);
        threads.For(count, Piece, [SkipLocalsInit] (begin, end) =>
        {
            float* u = stackalloc float[Batch];
            for (; begin < end; begin += Batch)
            {
                long batch = Math.Min(Batch, end - begin);
                RandomKernel<V>.Uniform(key, begin, u, batch);
                RandomKernel<V>.Drop(u, rate, scale, x + begin, y + begin, batch);
            }
        });
    }
}
