namespace Cfr.Kernels.Cuda;

/// <summary>
/// The box of outputs that a block makes, and the box of inputs that it keeps for them: one voxel more on either side
/// along h and w, and along d unless it is flat. Outputs come in runs of 8 along w; a warp takes two runs, which lie
/// side by side along w if the box is wide enough, or else along d, and several lines of them along h.
/// </summary>
interface IHaloShape
{
    static abstract int Depth { get; }

    static abstract int Height { get; }

    static abstract int Width { get; }

    /// <summary>Planes of inputs: as many kernel planes fit as this is deeper.</summary>
    static abstract int HaloDepth { get; }
}

/// <summary>
/// 8 x 8 x 8 outputs of 10 x 10 x 10 inputs: each input is loaded twice. 112 and 56 are multiples of 8, so are 80 and
/// 40.
/// </summary>
readonly struct Cube : IHaloShape
{
    public static int Depth => 8;

    public static int Height => 8;

    public static int Width => 8;

    public static int HaloDepth => 10;
}

/// <summary>4 x 8 x 8 outputs of 6 x 10 x 10 inputs, for small volumes and many channels.</summary>
readonly struct Brick : IHaloShape
{
    public static int Depth => 4;

    public static int Height => 8;

    public static int Width => 8;

    public static int HaloDepth => 6;
}

/// <summary>1 x 8 x 32 outputs of 1 x 10 x 34 inputs, for images and kernels without depth.</summary>
readonly struct Sheet : IHaloShape
{
    public static int Depth => 1;

    public static int Height => 8;

    public static int Width => 32;

    public static int HaloDepth => 1;
}
