using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// How blocks share <c>[Samples, Rows, Channels]</c> when what is computed belongs to channels. A line is the shortest
/// run of whole rows that is also one of whole packets, T = lcm(Channels, 4) floats; a thread keeps one packet column
/// of it and so its four channels, whatever their number, and strides over lines.
/// <code>
///                    packet columns of a line, T / 4
///             | tile 0 (grid y) | tile 1 ...
///   piece 0   | 256 threads = BlockLines x TileColumns, which take every BlockLines-th line of the piece
///   piece 1   | (grid x: samples x pieces)
///   tail      | the fewer than T floats behind the last whole line: the last piece's
/// </code>
/// </summary>
struct ColumnTiling
{
    const int PacketFloats = 4, MostTileColumns = 64, FewestLines = 4;

    /// <summary>Threads of the blocks, and floats of shared memory for each value that they exchange.</summary>
    public const int Threads = 256;

    public int Channels, Columns, TileColumns, BlockLines, Pieces, TailFloats;

    /// <summary>Whether packets can be moved whole: 1, or 0 where an address is no multiple of 16.</summary>
    public int Packed;
    public long SampleFloats, Lines, LinesPerPiece;

    public ColumnTiling(
        GpuDevice gpu, int threads, int samples, long rows, int channels, params ReadOnlySpan<View> operands)
    {
        Channels = channels;
        SampleFloats = rows * channels;
        int rowsOfLine = channels % 4 == 0 ? 1 : channels % 2 == 0 ? 2 : 4;
        Columns = checked(rowsOfLine * channels) / PacketFloats;
        int most = Math.Min(MostTileColumns, threads), tiles = (Columns + most - 1) / most;
        TileColumns = (Columns + tiles - 1) / tiles;
        BlockLines = threads / TileColumns;
        Lines = rows / rowsOfLine;
        TailFloats = (int)(SampleFloats - Lines * Columns * PacketFloats);

        long pieces = Math.Min(gpu.FullGrid / Math.Max(1, (long)samples * tiles), Lines / (BlockLines * FewestLines));
        LinesPerPiece = RoundUp(RoundUp(Lines, Math.Max(1, pieces)) / Math.Max(1, pieces), BlockLines);
        Pieces = (int)Math.Max(1, (Lines + LinesPerPiece - 1) / Math.Max(1, LinesPerPiece));
        bool aligned = samples == 1 || SampleFloats % PacketFloats == 0;
        foreach (View operand in operands) aligned &= operand.Address % (PacketFloats * sizeof(float)) == 0;
        Packed = aligned ? 1 : 0;
    }

    /// <summary>Floats of a line.</summary>
    public readonly int LineFloats => Columns * PacketFloats;

    /// <summary>How often a channel stands in a line.</summary>
    public readonly int Repeats => LineFloats / Channels;

    /// <summary>Blocks side by side.</summary>
    public readonly int Tiles => (Columns + TileColumns - 1) / TileColumns;

    /// <summary>Lines of a piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly long LinesOf(int piece)
    {
        long left = Lines - piece * LinesPerPiece;
        return left < LinesPerPiece ? left : LinesPerPiece;
    }

    static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}

/// <summary>
/// What one thread of a <see cref="ColumnTiling"/> takes. Offsets are bytes from an operand's address.
/// </summary>
struct ColumnThread
{
    public int Sample, Piece, Column, Line, TailCount;
    public long FirstLine, LastLine, LineBytes, Start, Tail;

    /// <summary>Whether this thread has a column at all.</summary>
    public bool Active;

    public ColumnThread(ColumnTiling tiling)
    {
        Sample = Ptx.Hold(Grid.IdxX / tiling.Pieces);
        Piece = Grid.IdxX - Sample * tiling.Pieces;
        Line = Ptx.Hold(Group.IdxX / tiling.TileColumns);
        Column = Grid.IdxY * tiling.TileColumns + Group.IdxX - Line * tiling.TileColumns;
        Active = Line < tiling.BlockLines && Column < tiling.Columns;
        LineBytes = 16L * tiling.Columns;
        FirstLine = Piece * tiling.LinesPerPiece + Line;
        LastLine = Active ? Piece * tiling.LinesPerPiece + tiling.LinesOf(Piece) : FirstLine;
        long column = 4 * Sample * tiling.SampleFloats + 16L * Column;
        Start = column + FirstLine * LineBytes;
        Tail = column + tiling.Lines * LineBytes;
        int left = tiling.TailFloats - 4 * Column;
        TailCount = Active && Line == 0 && Piece == tiling.Pieces - 1 ? left > 4 ? 4 : left > 0 ? left : 0 : 0;
    }
}

/// <summary>Loads and stores of packets that may be unaligned or incomplete.</summary>
static unsafe class ColumnPacket
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Load(long address, int packed) =>
        packed != 0 ? FourLanes.LoadFrom(address) : LoadSome(address, FourLanes.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(long address, int packed, FourLanes value)
    {
        if (packed != 0)
            value.StoreTo(address);
        else
            StoreSome(address, FourLanes.Width, value);
    }

    /// <summary>The first floats of a packet; 0 for the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes LoadSome(long address, int count)
    {
        float* source = (float*)address;
        return new(
            new(count > 0 ? source[0] : 0), new(count > 1 ? source[1] : 0),
            new(count > 2 ? source[2] : 0), new(count > 3 ? source[3] : 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSome(long address, int count, FourLanes value)
    {
        float* target = (float*)address;
        if (count > 0) value.X.Store(target);
        if (count > 1) value.Y.Store(target + 1);
        if (count > 2) value.Z.Store(target + 2);
        if (count > 3) value.W.Store(target + 3);
    }

    /// <summary>1 in the first lanes, 0 in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Mask(int count) => new(
        new(count > 0 ? 1f : 0f), new(count > 1 ? 1f : 0f), new(count > 2 ? 1f : 0f), new(count > 3 ? 1f : 0f));
}
