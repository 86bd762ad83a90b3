using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Second stages of reductions: the threads of a block in equal segments, a power of two each, one segment a result.
/// </summary>
static class Segments
{
    /// <summary>Threads for a result of so many values.</summary>
    public static int Size(int threads, long values) =>
        (int)Math.Min(threads, (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, values)));

    /// <summary>Starts a kernel with a segment for each of so many results.</summary>
    public static void Launch<TArguments>(
        GpuDevice gpu, Kernel<TArguments> kernel, TArguments arguments, int segment, long results)
        where TArguments : unmanaged
    {
        int threads = gpu.BlockSize(kernel), blocks = checked((int)((results * segment + threads - 1) / threads));
        if (blocks > 0) gpu.Launch(kernel, arguments, blocks);
    }

    /// <summary>Which result this thread works for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Result(int segment) => (long)Grid.IdxX * (Group.DimX / segment) + Group.IdxX / segment;

    /// <summary>This thread's place in its segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rank(int segment) => Group.IdxX & (segment - 1);

    /// <summary>Sum over each segment, in all of its threads. All threads of the block must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(ArrayView<float> scratch, int segment, float value)
    {
        const int warp = BlockReduce.WarpSize;
        for (int distance = (segment < warp ? segment : warp) / 2; distance > 0; distance /= 2)
            value += Warp.ShuffleXor(value, distance);
        if (segment <= warp) return value;
        if ((Group.IdxX & (warp - 1)) == 0) scratch[Group.IdxX / warp] = value;
        Group.Barrier();
        int warps = segment / warp, first = Group.IdxX / segment * warps;
        float total = 0;
        for (int i = 0; i < warps; i++) total += scratch[first + i];
        Group.Barrier();
        return total;
    }
}
