using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Mean and sum of squared deviations of what a thread stores of four channels, run by run: two passes over each run
/// while it is in registers. Runs are merged, then the threads: nothing cancels. From run to run they wait in shared
/// memory, because the sums of a run fill the registers.
/// </summary>
struct QuadMoments
{
    /// <summary>Of shared memory, for a thread.</summary>
    public const int Bytes = 32;

    public FourLanes Mean, Squares;

    /// <summary>
    /// Merges a run of so many voxels into those of earlier runs, all equally long (Chan, Golub and LeVeque 1979).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(SharedBytes shared, uint at, int runs, EightVoxels run, int voxels)
    {
        float count = voxels, earlier = runs;
        FourLanes mean = EightVoxels.Sum(run, voxels) * FourLanes.Splat(1f / count);
        FourLanes squares = EightVoxels.Squares(run, mean, voxels);
        if (runs > 0)
        {
            QuadMoments all = Load(shared, at);
            FourLanes delta = mean - all.Mean, share = delta * FourLanes.Splat(1f / (earlier + 1f));
            mean = all.Mean + share;
            squares = all.Squares + FourLanes.MultiplyAdd(delta * share, FourLanes.Splat(count * earlier), squares);
        }
        shared.Store4(at, new Float4(mean.X.Value, mean.Y.Value, mean.Z.Value, mean.W.Value));
        shared.Store4(at + 16, new Float4(squares.X.Value, squares.Y.Value, squares.Z.Value, squares.W.Value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static QuadMoments Load(SharedBytes shared, uint at) => new()
    {
        Mean = new FourLanes(shared.Load4(at)),
        Squares = new FourLanes(shared.Load4(at + 16)),
    };

    /// <summary>
    /// Leaves those of a block of so many voxels as <see cref="OutputMoments"/> wants them: of the threads with one
    /// number modulo <paramref name="lanes"/>, which have the same channels. <paramref name="own"/> are the thread's
    /// voxels; all threads must come here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(
        SharedBytes shared, uint at, int own, long partials, int blocks, int voxels, int channels, int lanes)
    {
        QuadMoments moments = default;
        if (own > 0) moments = Load(shared, at);
        QuadMoments all = AcrossBlock(shared, lanes, moments, own, voxels);
        int channel = 4 * Group.IdxX;
        if (channel >= channels) return;
        Write(partials, blocks, voxels, channels, channel, all.Mean.X, all.Squares.X);
        Write(partials, blocks, voxels, channels, channel + 1, all.Mean.Y, all.Squares.Y);
        Write(partials, blocks, voxels, channels, channel + 2, all.Mean.Z, all.Squares.Z);
        Write(partials, blocks, voxels, channels, channel + 3, all.Mean.W, all.Squares.W);
    }

    /// <summary>
    /// Those of <paramref name="voxels"/> that the threads with one number modulo <paramref name="lanes"/> have
    /// together, each <paramref name="count"/> of its own; all threads must come here. Takes the block's shared memory.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static QuadMoments AcrossBlock(SharedBytes shared, int lanes, QuadMoments own, int count, int voxels)
    {
        FourLanes weight = FourLanes.Splat(count);
        FourLanes mean = BlockReduce.SumOfLanes(shared, lanes, own.Mean * weight) * FourLanes.Splat(1f / voxels);
        FourLanes d = own.Mean - mean;
        return new QuadMoments
        {
            Mean = mean,
            Squares = BlockReduce.SumOfLanes(shared, lanes, FourLanes.MultiplyAdd(d * d, weight, own.Squares)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Write(long partials, int blocks, int voxels, int channels, int channel, Lane mean, Lane squares)
    {
        if (channel >= channels) return;
        OutputMoments.Write(partials, blocks, channels, channel, Grid.IdxX, voxels, mean.Value, squares.Value);
    }
}
