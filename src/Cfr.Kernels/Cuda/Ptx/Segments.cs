using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Second stages of reductions: the threads of a block in equal segments, a power of two each, one segment a result. They
/// have little to do and much to wait for, so blocks are large: a thread then has few values, the tree has the others.
/// </summary>
static class Segments
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 1024;

    /// <summary>Words of shared memory for a <see cref="Sum"/>.</summary>
    public const int Scratch = 2 * BlockReduce.WarpSize;

    /// <summary>Threads for a result of so many values.</summary>
    public static int Size(int threads, long values) =>
        (int)Math.Min(threads, (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, values)));

    /// <summary>Starts a kernel with a segment for each of so many results.</summary>
    public static void Launch<TArguments>(
        GpuDevice gpu, Kernel<TArguments> kernel, TArguments arguments, int segment, long results)
        where TArguments : unmanaged
    {
        int threads = gpu.BlockSize(kernel), blocks = checked((int)(results * segment + threads - 1)) / threads;
        if (blocks > 0) gpu.Launch(kernel, arguments, blocks);
    }

    /// <summary>Which result this thread works for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Result(int segment) =>
        Grid.IdxX * Group.DimX + Group.IdxX >> IntrinsicMath.PopCount(segment - 1);

    /// <summary>This thread's place in its segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Rank(int segment) => Group.IdxX & (segment - 1);

    /// <summary>
    /// Two sums over each segment, in all of its threads. All threads of the block must come here, and with other
    /// scratch each time.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair Sum(ArrayView<float> scratch, int segment, Pair value)
    {
        const int warp = BlockReduce.WarpSize;
        value = AcrossLanes(segment < warp ? segment : warp, value);
        if (segment <= warp) return value;
        int of = Group.IdxX / warp;
        if ((Group.IdxX & (warp - 1)) == 0) (scratch[of], scratch[warp + of]) = (value.X, value.Y);
        Group.Barrier();
        int warps = segment / warp, from = (Group.IdxX / warp & -warps) + (Group.IdxX & (warps - 1));
        return AcrossLanes(warps, new Pair { X = scratch[from], Y = scratch[warp + from] });
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Pair AcrossLanes(int lanes, Pair value)
    {
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            value.X += Warp.ShuffleXor(value.X, distance);
            value.Y += Warp.ShuffleXor(value.Y, distance);
        }
        return value;
    }
}
