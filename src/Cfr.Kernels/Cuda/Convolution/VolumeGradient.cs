using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>x or dy, and how a stage holds it.</summary>
struct GradientOperand
{
    public long Address;
    public Extent Size;
    public int Channels;

    /// <summary>1 where channels can be fetched 16 bytes at a time.</summary>
    public int Packed;

    /// <summary>As of <see cref="VolumeOperand"/>; only x has one.</summary>
    public ChannelTable Constants;

    /// <summary>Voxels of a line, lines of a slice, slices of a stage, and from stage to stage.</summary>
    public int Width, Lines, Slices, Advance;

    /// <summary>The logarithm of the packets of four channels that a block takes.</summary>
    public int LogQuads;

    /// <summary>From row to row and from plane to plane of the volume, in bytes.</summary>
    public int RowStride, PlaneStride;

    /// <summary>
    /// Warps side by side that copy a line, how often they do until they are at its end, and lines that all warps copy at
    /// once.
    /// </summary>
    public Divisor WarpsOfLine;
    public int Rounds, LinesAtOnce;

    /// <summary>From eight channels to the next eight, in bytes.</summary>
    public uint Plane;

    /// <summary>Of all of it in a stage.</summary>
    public readonly uint Bytes => Plane << LogQuads - 1;

    /// <summary>From slice to slice.</summary>
    public readonly uint SliceBytes => (uint)(Lines * Width * VolumeGradient.VoxelBytes);
}

/// <summary>Arguments of <see cref="VolumeGradient"/>.</summary>
struct VolumeGradientArguments
{
    public GradientOperand X, Dy;
    public long Partials;
    public Extent Kernel, Padding;

    /// <summary>Runs along H: tiles of (D, W) times segments of H, of which a block takes some in a row.</summary>
    public VoxelGrid Runs;
    public int RunCount, RunsOfBlock;

    /// <summary>Outputs of a run: TileD x SegmentH x TileW, in this many stages.</summary>
    public int TileD, SegmentH, TileW;
    public Divisor Stages;

    /// <summary>Logarithms of the warps of a kernel plane, and of those along each channel axis.</summary>
    public int LogUnits, LogIn, LogOut;

    /// <summary>The logarithm of patches along W of a tile; voxels of a patch along D and W: 4 x 4 or 1 x 16.</summary>
    public int LogPatchesW, PatchD, PatchW;

    /// <summary>Bytes of a stage.</summary>
    public uint StageBytes;
}

/// <summary>
/// The weight gradient of a convolution of stride 1, kernels up to 3 x 3 x 3:
/// <code>dw[kd, kh, kw, c, m] = sum over voxels (d, h, w) of x[d + kd, h + kh, w + kw, c] dy[d, h, w, m]</code>
/// Voxels are what the product sums over. A block walks along H, a slice (one h, a tile of D and W) at a time, and
/// keeps its sums in registers all the while: with dy of the last three rows at hand, a slice of x has everything that
/// it takes part in, and is fetched once, with a halo along D and W only.
/// <code>
///   warps: 3 planes kd x 4 units (12 x 16 x 16 x 9 taps); units are shared out among channels and patches of 16 voxels
///   a stage: slices of x [D + KD - 1, W + KW - 1] and dy [D, W] in float32, eight channels of a voxel side by side;
///     three stages: one is read, two are on their way (cp.async)
/// </code>
/// FLOP: 54 Cin Cout a voxel. Bytes, for 16 to 16 channels and tiles of 8 x 8: 64 (100/64 + 1) from L2, 128 from
/// memory: 13.8 KFLOP against 128 B, 108 FLOP/B, bound by memory in bfloat16 (144 on an H200 at 0.62 of the peak).
/// From 32 channels on a block takes 32 x 32, and tensor cores are the bound.
/// <para>
/// Blocks leave partial sums [pieces, taps, Cin, Cout], which a column sum adds in order.
/// </para>
/// </summary>
static unsafe class VolumeGradient
{
    /// <summary>Eight channels of a voxel.</summary>
    public const int VoxelBytes = 32;

    public const int Stages = 3, MostStageBytes = 32 << 10, SharedBytes = Stages * MostStageBytes;

    /// <summary>Channels of a warp, of x and of dy, and voxels of its patch.</summary>
    public const int WarpChannels = 16, PatchVoxels = 16, MostTaps = 3;

    public static void Run<TProduct, TState>(VolumeGradientArguments a)
        where TProduct : struct, IGradientProduct<TState> where TState : unmanaged
    {
        var shared = Cuda.SharedBytes.Dynamic();
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5, unit = warp & (1 << a.LogUnits) - 1;
        int kd = warp >> a.LogUnits, channelBits = a.LogIn + a.LogOut, patch = unit >> channelBits;
        int blockIn = unit & (1 << a.LogIn) - 1, blockOut = unit >> a.LogIn & (1 << a.LogOut) - 1;
        int patchD = (patch >> a.LogPatchesW) * a.PatchD, patchW = (patch & (1 << a.LogPatchesW) - 1) * a.PatchW;
        uint laneX = (uint)(blockIn * 2) * a.X.Plane + TProduct.LaneOfX(lane)
            + (uint)(((patchD + kd) * a.X.Width + patchW) * VoxelBytes);
        uint laneDy = a.X.Bytes + (uint)(blockOut * 2) * a.Dy.Plane + TProduct.LaneOfDy(lane, a.Dy.Plane)
            + (uint)((patchD * a.Dy.Width + patchW) * VoxelBytes);
        var place = new SlicePlace
        {
            PatchX = (uint)((a.PatchD == 1 ? 4 : a.X.Width) * VoxelBytes),
            PatchDy = (uint)((a.PatchD == 1 ? 4 : a.Dy.Width) * VoxelBytes),
            PlaneX = a.X.Plane,
            PlaneDy = a.Dy.Plane,
            SliceDy = a.Dy.SliceBytes,
        };

        uint sliceX = a.X.SliceBytes;
        int run = Grid.IdxX * a.RunsOfBlock, runs = Ptx.Min(a.RunsOfBlock, a.RunCount - run);
        int stages = runs * a.Stages.Value;
        LaneCopy copyX = LaneCopy.First(a.X, Channel(Grid.IdxY, a.LogIn));
        LaneCopy copyDy = LaneCopy.First(a.Dy, Channel(Grid.IdxZ, a.LogOut));
        RunCopy runX = default, runDy = default, arrived = default;
        NormalizedInput input = default;
        TState state = default;
        uint read = 0, write = 0;
        int inRun = 0, aheadInRun = 0, arrivedRun = run;
        for (int i = 1 - Stages; i < stages; i++)
        {
            if (i >= 0)
            {
                Ptx.WaitForCopiesButOne();
                if (a.X.Constants.Address != 0)
                {
                    if (inRun == 0)
                    {
                        VoxelPlace corner = VoxelGrid.Locate(a.Runs, arrivedRun++);
                        arrived = RunOfX(a, corner);
                        input = RunCopy.Input(a.X, corner.Batch, Channel(Grid.IdxY, a.LogIn));
                    }
                    arrived = RunCopy.Normalize(shared, read, a.X, arrived, copyX, Channel(Grid.IdxY, a.LogIn), input);
                }
                Group.Barrier();
            }
            if (i + Stages - 1 < stages)
            {
                if (aheadInRun == 0)
                {
                    VoxelPlace corner = VoxelGrid.Locate(a.Runs, run++);
                    runX = RunOfX(a, corner);
                    runDy = RunOfDy(a, corner, TProduct.EarlierSlices);
                }
                aheadInRun = aheadInRun == a.Stages.Value - 1 ? 0 : aheadInRun + 1;
                runX = RunCopy.Stage(shared, write, a.X, runX, copyX, Channel(Grid.IdxY, a.LogIn));
                runDy = RunCopy.Stage(
                    shared, write + a.X.Bytes, a.Dy, runDy, copyDy, Channel(Grid.IdxZ, a.LogOut));
            }
            Ptx.CommitCopies();
            Warp.Barrier(); // lanes copy different numbers of packets; the products want them together
            write = write == (Stages - 1) * a.StageBytes ? 0 : write + a.StageBytes;
            if (i < 0) continue;
            if (inRun == 0) state = TProduct.Restart(state);
            inRun = inRun == a.Stages.Value - 1 ? 0 : inRun + 1;
            place.X = read + laneX;
            place.Dy = read + laneDy;
            for (int slice = 0; slice < a.X.Slices; slice++)
            {
                state = TProduct.Slice(shared, state, place);
                place.X += sliceX;
                place.Dy += place.SliceDy;
            }
            read = read == (Stages - 1) * a.StageBytes ? 0 : read + a.StageBytes;
        }

        Ptx.WaitForCopies();
        Group.Barrier();
        int patches = 1 << a.LogUnits - channelBits, others = kd << channelBits | unit & (1 << channelBits) - 1;
        uint slot = (uint)(others * (patches - 1) * NineTaps.Bytes + lane * TapSums.LaneBytes);
        if (patch > 0) NineTaps.Spill(shared, TProduct.Sums(state), slot + (uint)((patch - 1) * NineTaps.Bytes));
        Group.Barrier();
        if (patch > 0 || kd >= a.Kernel.D) return;
        NineTaps sums = TProduct.Sums(state);
        for (int other = 1; other < patches; other++, slot += NineTaps.Bytes)
            sums = NineTaps.Add(shared, sums, slot);
        int c = (Grid.IdxY << a.LogIn) + blockIn, m = (Grid.IdxZ << a.LogOut) + blockOut;
        Store(
            a, kd, c * WarpChannels + (lane >> 2), m * WarpChannels + TProduct.Column(lane), TProduct.Between, sums);
    }

    /// <summary>The first channel of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Channel(int block, int logUnits) => (block << logUnits) * WarpChannels;

    /// <summary>What a run reads of x: the rows of its outputs and of the taps beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static RunCopy RunOfX(VolumeGradientArguments a, VoxelPlace run) => RunCopy.Begin(
        a.X,
        new VoxelPlace
        {
            Batch = run.Batch,
            D = run.D * a.TileD - a.Padding.D,
            H = run.H * a.SegmentH - a.Padding.H,
            W = run.W * a.TileW - a.Padding.W,
            Channel = Channel(Grid.IdxY, a.LogIn),
        },
        0, a.SegmentH + a.Kernel.H - 1);

    /// <summary>What it reads of dy: the rows of its outputs, behind as many of zeros as a stage looks back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static RunCopy RunOfDy(VolumeGradientArguments a, VoxelPlace run, int earlier) => RunCopy.Begin(
        a.Dy,
        new VoxelPlace
        {
            Batch = run.Batch,
            D = run.D * a.TileD,
            H = run.H * a.SegmentH - earlier,
            W = run.W * a.TileW,
            Channel = Channel(Grid.IdxZ, a.LogOut),
        },
        earlier, earlier + a.SegmentH);

    /// <summary>Stores the taps of a kernel plane that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(VolumeGradientArguments a, int kd, int c, int m, int between, NineTaps sums)
    {
        int taps = a.Kernel.D * a.Kernel.H * a.Kernel.W, first = Grid.IdxX * taps + kd * a.Kernel.H * a.Kernel.W;
        long matrix = (long)a.X.Channels * a.Dy.Channels;
        long target = a.Partials + 4 * (first * matrix + (long)c * a.Dy.Channels + m);
        long line = a.Kernel.W * matrix * 4;
        matrix *= 4;
        Store(a, target, true, c, m, between, sums.T00);
        Store(a, target + matrix, a.Kernel.W > 1, c, m, between, sums.T01);
        Store(a, target + 2 * matrix, a.Kernel.W > 2, c, m, between, sums.T02);
        Store(a, target + line, a.Kernel.H > 1, c, m, between, sums.T10);
        Store(a, target + line + matrix, a.Kernel.H > 1 && a.Kernel.W > 1, c, m, between, sums.T11);
        Store(a, target + line + 2 * matrix, a.Kernel.H > 1 && a.Kernel.W > 2, c, m, between, sums.T12);
        Store(a, target + 2 * line, a.Kernel.H > 2, c, m, between, sums.T20);
        Store(a, target + 2 * line + matrix, a.Kernel.H > 2 && a.Kernel.W > 1, c, m, between, sums.T21);
        Store(a, target + 2 * line + 2 * matrix, a.Kernel.H > 2 && a.Kernel.W > 2, c, m, between, sums.T22);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(VolumeGradientArguments a, long target, bool isTap, int c, int m, int between, TapSums sums)
    {
        if (!isTap) return;
        long below = target + 8L * a.Dy.Channels * sizeof(float);
        int left = a.Dy.Channels - m;
        if (c < a.X.Channels)
        {
            StorePair(target, left, sums.Left.X, sums.Left.Y);
            StorePair(target + between * 4, left - between, sums.Right.X, sums.Right.Y);
        }
        if (c + 8 < a.X.Channels)
        {
            StorePair(below, left, sums.Left.Z, sums.Left.W);
            StorePair(below + between * 4, left - between, sums.Right.Z, sums.Right.W);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StorePair(long target, int left, float x, float y)
    {
        float* pair = (float*)target;
        if (left > 0) pair[0] = x;
        if (left > 1) pair[1] = y;
    }
}
