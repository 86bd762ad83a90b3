using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A lane's place on the lines of a stage of <see cref="VolumeGradient"/>: four channels of a voxel. Lanes go along a
/// line, warps side by side where it is longer. It stays what it is from stage to stage.
/// </summary>
struct LaneCopy
{
    /// <summary>From the beginning of a line in memory, and from that of a stage, in bytes.</summary>
    public int Source;
    public uint Target;

    /// <summary>The voxel on the line, and the channels from the lane's first one on.</summary>
    public int Voxel, Channels;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneCopy First(GradientOperand x, int firstChannel)
    {
        LaneCopy lane = At(x, firstChannel, FirstItem(x));
        return new LaneCopy
        {
            Source = Ptx.Hold(lane.Source),
            Target = (uint)Ptx.Hold((int)lane.Target),
            Voxel = Ptx.Hold(lane.Voxel),
            Channels = Ptx.Hold(lane.Channels),
        };
    }

    /// <summary>The number of the lane's first four channels on a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstItem(GradientOperand x)
    {
        int warp = Group.IdxX >> 5;
        return (warp - warp / x.WarpsOfLine * x.WarpsOfLine.Value) * 32 + (Group.IdxX & 31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneCopy At(GradientOperand x, int firstChannel, int item)
    {
        int voxel = item >> x.LogQuads, quad = item & (1 << x.LogQuads) - 1;
        return new LaneCopy
        {
            Source = (voxel * x.Channels + 4 * quad) * sizeof(float),
            Target = (uint)(quad >> 1) * x.Plane + (uint)(voxel * VolumeGradient.VoxelBytes + (quad & 1) * 16),
            Voxel = voxel,
            Channels = x.Channels - firstChannel - 4 * quad,
        };
    }
}

/// <summary>Where the next stage of a run begins in a volume, and which of its lines are inside.</summary>
struct RunCopy
{
    /// <summary>The first voxel of line 0 of slice 0, which may be outside.</summary>
    public long Source;
    public int W;

    /// <summary>Lines of a slice, and slices, that are inside: so many from the first on.</summary>
    public int FirstLine, Lines, FirstSlice, Slices;

    /// <summary>From a corner on; slices outside of [first, end) are zeros wherever they lie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunCopy Begin(GradientOperand x, VoxelPlace corner, int first, int end)
    {
        long row = ((long)corner.Batch * x.Size.D + corner.D) * x.Size.H + corner.H;
        int firstLine = Ptx.Max(0, -corner.D), firstSlice = Ptx.Max(first, -corner.H);
        return new RunCopy
        {
            Source = x.Address + ((row * x.Size.W + corner.W) * x.Channels + corner.Channel) * sizeof(float),
            W = corner.W,
            FirstLine = firstLine,
            Lines = Ptx.Max(0, x.Size.D - corner.D - firstLine),
            FirstSlice = firstSlice,
            Slices = Ptx.Max(0, Ptx.Min(end, x.Size.H - corner.H) - firstSlice),
        };
    }

    /// <summary>Starts the copies of a stage, and moves on to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunCopy Stage(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, LaneCopy lane, int firstChannel) =>
        x.Packed != 0
            ? Stage(shared, target, x, run, lane, firstChannel, new PacketCopy())
            : Stage(shared, target, x, run, lane, firstChannel, new ElementCopy());

    /// <summary>Normalises what this thread's copies brought of a stage, and moves on to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunCopy Normalize(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, LaneCopy lane, int firstChannel,
        NormalizedInput input) =>
        Stage(shared, target, x, run, lane, firstChannel, new NormalizeInPlace { Input = input });

    /// <summary>The constants of the channels that a lane copies, which are the same on all lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NormalizedInput Input(GradientOperand x, int sample, int firstChannel)
    {
        int quad = LaneCopy.FirstItem(x) & (1 << x.LogQuads) - 1;
        return NormalizedInput.Of(
            new VolumeOperand { Channels = x.Channels, Constants = x.Constants }, sample, firstChannel + 4 * quad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static RunCopy Stage<TCopy>(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, LaneCopy lane, int firstChannel, TCopy copy)
        where TCopy : struct, IQuadCopy<TCopy>
    {
        int items = x.Width << x.LogQuads, step = x.WarpsOfLine.Value * 32;
        for (int item = LaneCopy.FirstItem(x); item < items;)
        {
            int w = run.W + lane.Voxel, there = w >= 0 && w < x.Size.W ? lane.Channels : 0;
            EachLine(shared, target + lane.Target, x, run, run.Source + lane.Source, there, copy);
            item += step;
            if (item < items) lane = LaneCopy.At(x, firstChannel, item);
        }
        run.Source += (long)x.Advance * x.RowStride;
        run.FirstSlice -= x.Advance;
        return run;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void EachLine<TCopy>(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, long source, int there, TCopy copy)
        where TCopy : struct, IQuadCopy<TCopy>
    {
        int lines = x.Slices * x.Lines.Value, lineBytes = x.Width * VolumeGradient.VoxelBytes;
        int team = (Group.IdxX >> 5) / x.WarpsOfLine;
        if (team >= x.LinesAtOnce) return;
        for (int line = team; line < lines; line += x.LinesAtOnce)
        {
            int slice = line / x.Lines, d = line - slice * x.Lines.Value;
            bool inside = (uint)(d - run.FirstLine) < (uint)run.Lines
                & (uint)(slice - run.FirstSlice) < (uint)run.Slices;
            long from = Ptx.MultiplyAddWide(d, x.PlaneStride, Ptx.MultiplyAddWide(slice, x.RowStride, source));
            TCopy.Start(copy, shared, target + (uint)(line * lineBytes), from, inside ? there : 0);
        }
    }
}

/// <summary>What is done with four neighbouring channels of a stage.</summary>
interface IQuadCopy<TSelf> where TSelf : struct, IQuadCopy<TSelf>
{
    /// <summary>The first of them are in the volume, as many as there are; the others are zeros.</summary>
    static abstract void Start(TSelf self, SharedBytes shared, uint target, long source, int there);
}

/// <summary>Copied all at once: there are four or none.</summary>
readonly struct PacketCopy : IQuadCopy<PacketCopy>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(PacketCopy self, SharedBytes shared, uint target, long source, int there) =>
        Ptx.CopyAsync16(shared, target, source, there > 0 ? 16 : 0);
}

/// <summary>Copied one by one.</summary>
readonly struct ElementCopy : IQuadCopy<ElementCopy>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(ElementCopy self, SharedBytes shared, uint target, long source, int there)
    {
        Ptx.CopyAsync4(shared, target, source, there > 0 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 4, source + 4, there > 1 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 8, source + 8, there > 2 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 12, source + 12, there > 3 ? 4 : 0);
    }
}

/// <summary>Normalised where they arrived; zeros around the volume stay zeros.</summary>
struct NormalizeInPlace : IQuadCopy<NormalizeInPlace>
{
    public NormalizedInput Input;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(NormalizeInPlace self, SharedBytes shared, uint target, long source, int there)
    {
        if (there > 0) shared.Store4(target, NormalizedInput.Finish(self.Input, shared.Load4(target)));
    }
}
