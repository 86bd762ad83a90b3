using System.Numerics;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// How <see cref="VolumeGradient"/> cuts a convolution up. Sizes and the kernel alone decide, so that results depend on
/// nothing else.
/// </summary>
readonly struct VolumeGradientPlan
{
    /// <summary>Runs that a block should have, so that all have nearly the same; outputs of a run along H.</summary>
    const int WantedRuns = 8, ShortestSegment = 16;

    const int MostSlices = 8;

    /// <summary>Warps along a channel axis at most: 32 input and 64 output channels of a block.</summary>
    const int MostIn = 2, MostOut = 4;

    public readonly VolumeGradientArguments Arguments;

    /// <summary>Blocks along each axis of the grid; Pieces are added up afterwards.</summary>
    public readonly int Pieces, BlocksIn, BlocksOut;

    /// <summary>Whether a kernel walks over it: rows and planes are apart by numbers of 32 bits.</summary>
    public static bool Takes(ConvolutionShape shape) =>
        shape.Stride == new Extent(1, 1, 1) && shape.Kernel is { D: <= 3, H: <= 3, W: <= 3 }
        && LargestStride(shape.Input, shape.InChannels, Planes(shape)) <= int.MaxValue
        && LargestStride(shape.Output, shape.OutChannels, Planes(shape)) <= int.MaxValue;

    public VolumeGradientPlan(ConvolutionShape shape, VolumeGradientKernel kernel, View x, View dy)
    {
        int unitsIn = Along(shape.InChannels, Math.Min(kernel.Units, MostIn));
        int unitsOut = Along(shape.OutChannels, Math.Min(kernel.Units / unitsIn, MostOut));
        int warps = kernel.Kernel.Threads / BlockReduce.WarpSize;
        Patches patches;
        GradientOperand ofX, ofDy;
        for (; ; unitsOut *= 2)
        {
            patches = Patches.Best(shape.Output, kernel.Units / (unitsIn * unitsOut));
            ofX = Operand(
                x, shape.Input, shape.InChannels, Planes(shape), unitsIn, patches.TileD + shape.Kernel.D - 1,
                patches.TileW + shape.Kernel.W - 1, warps);
            ofDy = Operand(
                dy, shape.Output, shape.OutChannels, Planes(shape), unitsOut, patches.TileD, patches.TileW, warps);
            // Few channels make tiles large; where not even one slice fits, some warps have no channels at all.
            if (Fits(ref ofX, ref ofDy, 1, kernel.EarlierSlices)) break;
        }
        BlocksIn = Parts(shape.InChannels, unitsIn * VolumeGradient.WarpChannels);
        BlocksOut = Parts(shape.OutChannels, unitsOut * VolumeGradient.WarpChannels);

        int tilesD = Parts(shape.Output.D, patches.TileD), tilesW = Parts(shape.Output.W, patches.TileW);
        long columns = (long)shape.Batch * tilesD * tilesW;
        int wanted = Math.Max(1, kernel.Blocks / (BlocksIn * BlocksOut));
        int segments = (int)Math.Clamp(
            wanted * WantedRuns / columns, 1, Math.Max(1, shape.Output.H / ShortestSegment));
        int segment = Parts(shape.Output.H, segments);
        segments = Parts(shape.Output.H, segment);
        int runs = checked((int)(columns * segments)), runsOfBlock = Parts(runs, wanted);
        Pieces = Parts(runs, runsOfBlock);

        int slices = Math.Min(MostSlices, segment + shape.Kernel.H - 1);
        while (!Fits(ref ofX, ref ofDy, slices, kernel.EarlierSlices)) slices--;

        Arguments = new VolumeGradientArguments
        {
            X = ofX,
            Dy = ofDy,
            Kernel = shape.Kernel,
            Padding = shape.Padding,
            Runs = new VoxelGrid(new Extent(tilesD, segments, tilesW), 1),
            RunCount = runs,
            RunsOfBlock = runsOfBlock,
            TileD = patches.TileD,
            SegmentH = segment,
            TileW = patches.TileW,
            Stages = new Divisor(Parts(segment + shape.Kernel.H - 1, slices)),
            LogUnits = Log2(kernel.Units),
            LogIn = Log2(unitsIn),
            LogOut = Log2(unitsOut),
            LogPatchesW = Log2(patches.AlongW),
            PatchD = patches.D,
            PatchW = patches.W,
            StageBytes = ofX.Bytes + ofDy.Bytes,
        };
    }

    /// <summary>Gives a stage so many slices; whether it is small enough then.</summary>
    static bool Fits(ref GradientOperand x, ref GradientOperand dy, int slices, int earlierSlices)
    {
        (x.Slices, dy.Slices) = (slices, slices + earlierSlices);
        (x.Advance, dy.Advance) = (slices, slices);
        (x.Plane, dy.Plane) = (Plane(x), Plane(dy));
        return x.Bytes + dy.Bytes <= VolumeGradient.MostStageBytes;
    }

    static GradientOperand Operand(
        View view, Extent size, int channels, int planes, int units, int lines, int width, int warps)
    {
        int quads = units * VolumeGradient.WarpChannels / 4;
        int warpsOfLine = Math.Min(Parts(width * quads, BlockReduce.WarpSize), warps);
        return new GradientOperand
        {
            Address = view.Address,
            Size = size,
            Channels = channels,
            Packed = channels % 4 == 0 && view.Address % 16 == 0 ? 1 : 0,
            Width = width,
            Lines = lines,
            LogQuads = Log2(quads),
            RowStride = checked((int)RowBytes(size, channels)),
            PlaneStride = checked((int)PlaneBytes(size, channels, planes)),
            WarpsOfLine = new Divisor(warpsOfLine),
            Rounds = Parts(width * quads, warpsOfLine * BlockReduce.WarpSize),
            LinesAtOnce = warps / warpsOfLine,
        };
    }

    static long LargestStride(Extent size, int channels, int planes) =>
        Math.Max(RowBytes(size, channels), PlaneBytes(size, channels, planes));

    static long RowBytes(Extent size, int channels) => (long)size.W * channels * sizeof(float);

    /// <summary>Planes that an output may meet, those outside of the volume included.</summary>
    static int Planes(ConvolutionShape shape) => shape.Kernel.D + 2 * shape.Padding.D;

    /// <summary>From one plane to the next; an image has no next one where only one is ever met.</summary>
    static long PlaneBytes(Extent size, int channels, int planes) =>
        size.D == 1 && planes == 1 ? 0 : size.H * RowBytes(size, channels);

    /// <summary>
    /// Odd multiples of 64 bytes: copies of 16 channels of neighbouring voxels then meet in no bank.
    /// </summary>
    static uint Plane(GradientOperand operand)
    {
        int voxels = operand.Slices * operand.Lines * operand.Width;
        return (uint)(((voxels + 1) / 4 * 4 + 2) * VolumeGradient.VoxelBytes);
    }

    /// <summary>Warps along a channel axis: as many as there are blocks of 16 channels for, a power of two.</summary>
    static int Along(int channels, int most) =>
        (int)Math.Min((uint)most, BitOperations.RoundUpToPowerOf2((uint)Parts(channels, VolumeGradient.WarpChannels)));

    static int Parts(int whole, int part) => (int)(((long)whole + part - 1) / part);

    static int Log2(int power) => BitOperations.Log2((uint)power);

    /// <summary>The patches of a tile: how many along D and W, and the voxels of one.</summary>
    readonly record struct Patches(int AlongD, int AlongW, int D, int W)
    {
        public int TileD => AlongD * D;

        public int TileW => AlongW * W;

        /// <summary>Of so many patches, the tile that hangs least over the edges, and of those the squarest.</summary>
        public static Patches Best(Extent output, int count)
        {
            Patches best = default;
            for (int alongD = 1; alongD <= count; alongD *= 2)
                foreach (int d in new[] { 4, 1 })
                {
                    var tile = new Patches(alongD, count / alongD, d, VolumeGradient.PatchVoxels / d);
                    if (best.D == 0 || tile.Cost(output).CompareTo(best.Cost(output)) < 0) best = tile;
                }
            return best;
        }

        (long Voxels, int Halo) Cost(Extent output) => (
            (long)Parts(output.D, TileD) * TileD * Parts(output.W, TileW) * TileW, TileD + TileW);
    }
}
