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

    /// <summary>The first line of a slice that the lane copies; behind all of them where it has nothing to do.</summary>
    public int Line;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneCopy First(GradientOperand x, int firstChannel)
    {
        LaneCopy lane = At(x, firstChannel, 0);
        return new LaneCopy
        {
            Source = Ptx.Hold(lane.Source),
            Target = (uint)Ptx.Hold((int)lane.Target),
            Voxel = Ptx.Hold(lane.Voxel),
            Channels = Ptx.Hold(lane.Channels),
            Line = Ptx.Hold(lane.Line),
        };
    }

    /// <summary>The same for a lane's second place on a line, the third, ..</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneCopy At(GradientOperand x, int firstChannel, int round)
    {
        int warp = Group.IdxX >> 5, team = warp / x.WarpsOfLine;
        int item = (warp + (round - team) * x.WarpsOfLine.Value) * 32 + (Group.IdxX & 31);
        int voxel = item >> x.LogQuads, quad = item & (1 << x.LogQuads) - 1;
        return new LaneCopy
        {
            Source = (voxel * x.Channels + 4 * quad) * sizeof(float),
            Target = (uint)(quad >> 1) * x.Plane + (uint)(voxel * VolumeGradient.VoxelBytes + (quad & 1) * 16),
            Voxel = voxel,
            Channels = x.Channels - firstChannel - 4 * quad,
            Line = voxel < x.Width && team < x.LinesAtOnce ? team : int.MaxValue,
        };
    }

    /// <summary>Of the four channels, the first of a lane's on a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quad(GradientOperand x) => Group.IdxX & (1 << x.LogQuads) - 1;
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
        return NormalizedInput.Of(
            new VolumeOperand { Channels = x.Channels, Constants = x.Constants }, sample, firstChannel + 4 * LaneCopy.Quad(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static RunCopy Stage<TCopy>(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, LaneCopy lane, int firstChannel, TCopy copy)
        where TCopy : struct, IQuadCopy<TCopy>
    {
        for (int round = 1; ; round++)
        {
            EachLine(shared, target + lane.Target, x, run, lane, copy);
            if (round >= x.Rounds) break;
            lane = LaneCopy.At(x, firstChannel, round);
        }
        run.Source += (long)x.Advance * x.RowStride;
        run.FirstSlice -= x.Advance;
        return run;
    }

    /// <summary>
    /// Line by line, and on each slice by slice, where only two additions and a comparison are left to do: a block has
    /// three warps a scheduler, too few to hide the latency of more.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void EachLine<TCopy>(
        SharedBytes shared, uint target, GradientOperand x, RunCopy run, LaneCopy lane, TCopy copy)
        where TCopy : struct, IQuadCopy<TCopy>
    {
        int ofVoxel = (uint)(run.W + lane.Voxel) < (uint)x.Size.W ? lane.Channels : 0;
        uint sliceBytes = x.SliceBytes;
        for (int line = lane.Line; line < x.Lines; line += x.LinesAtOnce)
        {
            int there = (uint)(line - run.FirstLine) < (uint)run.Lines ? ofVoxel : 0;
            long from = Ptx.MultiplyAddWide(line, x.PlaneStride, run.Source + lane.Source);
            uint to = target + (uint)(line * x.Width * VolumeGradient.VoxelBytes);
            for (int slice = 0; slice < x.Slices; slice++, from += x.RowStride, to += sliceBytes)
                TCopy.Start(copy, shared, to, from, (uint)(slice - run.FirstSlice) < (uint)run.Slices ? there : 0);
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
