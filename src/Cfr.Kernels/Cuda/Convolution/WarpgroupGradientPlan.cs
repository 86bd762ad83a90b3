namespace Cfr.Kernels.Cuda;

/// <summary>
/// How <see cref="WarpgroupGradient"/> cuts a convolution up. Sizes alone decide, so that results depend on nothing
/// else.
/// </summary>
readonly struct WarpgroupGradientPlan
{
    /// <summary>
    /// Blocks that are wanted, one on each multiprocessor of an H200; steps of a piece at least: storing and adding its
    /// sums costs as much.
    /// </summary>
    const int Blocks = 132, ShortestPiece = 32;

    /// <summary>Steps of a stage, in a plane of more, below which the halo would be most of it.</summary>
    const int FewestStageSteps = 4;

    /// <summary>Of a grid, by which the number of an item goes on.</summary>
    const int MostThreads = 1 << 24;

    /// <summary>Bytes of a position of 64 channels.</summary>
    const int PositionBytes = WarpgroupGradient.BlockChunks * PlaneItems.Bytes;

    readonly ConvolutionShape _shape;
    readonly int _pitch, _steps;

    /// <summary>Blocks along the channels, and pieces of the sum, which are added up afterwards.</summary>
    public readonly int Pieces, BlocksIn, BlocksOut;

    public WarpgroupGradientPlan(ConvolutionShape shape)
    {
        _shape = shape;
        _pitch = Pitch(shape);
        _steps = Steps(shape);
        BlocksIn = BlocksOf(shape.InChannels);
        BlocksOut = BlocksOf(shape.OutChannels);
        int steps = shape.Batch * shape.Output.D * _steps;
        Pieces = Math.Clamp(Blocks / (WarpgroupGradient.Taps * BlocksIn * BlocksOut), 1, Parts(steps, ShortestPiece));
    }

    /// <summary>
    /// 3 x 3 x 3 taps, stride 1, 64 channels and more on either side; a stage takes four steps with their halo, and
    /// items and elements are counted by 31 bits.
    /// </summary>
    public static bool Takes(ConvolutionShape shape) =>
        shape.Stride == new Extent(1, 1, 1) && shape.Kernel is { D: 3, H: 3, W: 3 }
        && Math.Min(shape.InChannels, shape.OutChannels) >= WarpgroupGradient.BlockChannels
        && MostStageSteps(shape) >= Math.Min(FewestStageSteps, Steps(shape))
        && shape.Input.Voxels * shape.InChannels <= int.MaxValue
        && shape.Output.Voxels * shape.OutChannels <= int.MaxValue
        && Math.Max(ItemsOfX(shape), ItemsOfDy(shape)) <= int.MaxValue - MostThreads;

    /// <summary>Bytes of the items of x, and of those of dy.</summary>
    public long BytesOfX => ItemsOfX(_shape) * PlaneItems.Bytes;

    /// <inheritdoc cref="BytesOfX"/>
    public long BytesOfDy => ItemsOfDy(_shape) * PlaneItems.Bytes;

    public PlaneItemsArguments Items(View x, View dy, long itemsOfX, long itemsOfDy, ChannelTable constants) => new()
    {
        X = new ItemVolume
        {
            From = VolumeOperand.Of(x, _shape.Input, _shape.InChannels, constants),
            To = itemsOfX,
            PaddingH = _shape.Padding.H,
            PaddingW = _shape.Padding.W,
            Pitch = new Divisor(_pitch),
            Positions = new Divisor(PositionsOfX(_shape)),
            Planes = new Divisor(_shape.Input.D),
            Groups = new Divisor(Groups(BlocksIn)),
            Count = (int)ItemsOfX(_shape),
        },
        Dy = new ItemVolume
        {
            From = VolumeOperand.Of(dy, _shape.Output, _shape.OutChannels),
            To = itemsOfDy,
            Pitch = new Divisor(_pitch),
            Positions = new Divisor(PositionsOfDy(_shape)),
            Planes = new Divisor(_shape.Output.D),
            Groups = new Divisor(Groups(BlocksOut)),
            Count = (int)ItemsOfDy(_shape),
        },
    };

    public WarpgroupGradientArguments Arguments(long itemsOfX, long itemsOfDy, long partials)
    {
        // A plane in stages of nearly the same size.
        int stageSteps = Parts(_steps, Parts(_steps, MostStageSteps(_shape)));
        int positions = stageSteps * WarpgroupGradient.StepPositions;
        GradientItems x = Operand(
            itemsOfX, _shape.InChannels, _shape.Input.D, PositionsOfX(_shape), positions + Halo(_shape));
        GradientItems dy = Operand(
            itemsOfDy, _shape.OutChannels, _shape.Output.D, PositionsOfDy(_shape), positions);
        return new()
        {
            X = x,
            Dy = dy,
            Partials = partials,
            BlocksOut = new Divisor(BlocksOut),
            DepthX = _shape.Input.D,
            DepthDy = _shape.Output.D,
            Padding = _shape.Padding.D,
            Batch = _shape.Batch,
            Pitch = _pitch,
            Steps = _steps,
            StageSteps = stageSteps,
            StageBytes = WarpgroupGradient.BlockChunks * (x.StageChunk + dy.StageChunk),
        };
    }

    static GradientItems Operand(long items, int channels, int planes, int positions, int ofStage) => new()
    {
        Address = items,
        Channels = channels,
        Plane = positions,
        Chunk = planes * positions,
        Sample = BlocksOf(channels) * WarpgroupGradient.BlockChunks * planes * positions,
        StageChunk = (uint)(ofStage * PlaneItems.Bytes),
    };

    /// <summary>Positions of a line: of x with its padding, and of dy with two columns of zeros.</summary>
    static int Pitch(ConvolutionShape shape) => shape.Output.W + WarpgroupGradient.Taps - 1;

    /// <summary>Steps of a plane of dy; they end with its last voxel.</summary>
    static int Steps(ConvolutionShape shape) => Parts(
        shape.Output.H * Pitch(shape) - (WarpgroupGradient.Taps - 1), WarpgroupGradient.StepPositions);

    /// <summary>How far beyond a position its taps are.</summary>
    static int Halo(ConvolutionShape shape) => (WarpgroupGradient.Taps - 1) * (Pitch(shape) + 1);

    static int PositionsOfDy(ConvolutionShape shape) => Steps(shape) * WarpgroupGradient.StepPositions;

    /// <summary>Whole eights, so that planes begin at multiples of 128 bytes.</summary>
    static int PositionsOfX(ConvolutionShape shape) => Parts(PositionsOfDy(shape) + Halo(shape), 8) * 8;

    static int MostStageSteps(ConvolutionShape shape) =>
        (WarpgroupGradient.MostStageBytes / PositionBytes - Halo(shape)) / (2 * WarpgroupGradient.StepPositions);

    static long ItemsOfX(ConvolutionShape shape) =>
        Items(shape.Batch, shape.InChannels, shape.Input.D, PositionsOfX(shape));

    static long ItemsOfDy(ConvolutionShape shape) =>
        Items(shape.Batch, shape.OutChannels, shape.Output.D, PositionsOfDy(shape));

    static long Items(int batch, int channels, int planes, int positions) =>
        (long)batch * BlocksOf(channels) * WarpgroupGradient.BlockChunks * planes * positions;

    static int BlocksOf(int channels) => Parts(channels, WarpgroupGradient.BlockChannels);

    static int Groups(int blocks) => blocks * WarpgroupGradient.BlockChunks / PlaneItems.ChunksOfGroup;

    static int Parts(int whole, int part) => (int)(((long)whole + part - 1) / part);
}
