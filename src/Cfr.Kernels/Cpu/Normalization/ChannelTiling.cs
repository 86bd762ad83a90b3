namespace Cfr.Kernels.Cpu;

/// <summary>
/// How [samples, voxels, channels] is cut for vectors and threads, by sizes alone. Channels repeat, so a run of
/// TileVoxels voxels is one row of a matrix with Tile columns, column j belonging to channel j mod Channels:
/// <code>
/// Channels 3, 8 lanes:  x y z x y z x y | z x y z x y z x | ...   Tile = lcm(3, 4 * 8) = 96 floats, 32 voxels
/// Channels 255:         a tile of 5 voxels; its last four vectors begin early and overlap the ones before
/// </code>
/// A block is the voxels summed in single precision, a piece the work of a thread; voxels that fill no tile are left
/// over.
/// </summary>
readonly struct ChannelTiling
{
    /// <summary>Vectors handled together; a tile has at least as many.</summary>
    public const int VectorsAtOnce = 4;

    const int LargestExactTile = 1024;
    const int SmallestBlock = 8192;
    const int TilesOfBlock = 64;
    const int SmallestPiece = 65536;

    public ChannelTiling(NormShape shape, int vectorWidth)
    {
        Samples = shape.AcrossBatch ? 1 : shape.Batch;
        Voxels = shape.Spatial * (shape.AcrossBatch ? shape.Batch : 1);
        Channels = shape.Channels;

        int step = VectorsAtOnce * vectorWidth;
        int exact = step / GreatestCommonDivisor(Channels, step);
        TileVoxels = (long)exact * Channels <= LargestExactTile ? exact : (LargestExactTile + Channels - 1) / Channels;
        int tilesOfBlock = Math.Max(TilesOfBlock, SmallestBlock / Tile);
        BlockVoxels = (long)tilesOfBlock * TileVoxels;
        long blocksOfPiece = Math.Max(1, SmallestPiece / (BlockVoxels * Channels));
        PieceVoxels = blocksOfPiece * BlockVoxels;
        PiecesPerSample = checked((int)((Voxels + PieceVoxels - 1) / PieceVoxels));
    }

    /// <summary>Batch, or 1 where all samples share their statistics and so form one.</summary>
    public int Samples { get; }

    /// <summary>Voxels of each sample.</summary>
    public long Voxels { get; }

    public int Channels { get; }

    public int TileVoxels { get; }

    /// <summary>Floats of a tile.</summary>
    public int Tile => TileVoxels * Channels;

    public long BlockVoxels { get; }

    public long PieceVoxels { get; }

    public int PiecesPerSample { get; }

    public int Pieces => checked(Samples * PiecesPerSample);

    /// <summary>The sample, first element and number of voxels of a piece.</summary>
    public (int Sample, long Start, long Voxels) Piece(int piece)
    {
        int sample = piece / PiecesPerSample;
        long first = piece % PiecesPerSample * PieceVoxels;
        return (sample, (sample * Voxels + first) * Channels, Math.Min(PieceVoxels, Voxels - first));
    }

    static int GreatestCommonDivisor(int a, int b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);
}
