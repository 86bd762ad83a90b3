using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Logits of relative positions for a tile of queries and a block of keys, in shared memory: of each query the 16 of Rw
/// that belong to the block's columns, then the 4 of Rh that belong to its rows. Rows of 80 bytes let a warp read 8
/// columns of 4 even queries without a conflict.
/// </summary>
static class PositionTile
{
    public const int RowBytes = (HeadTile.Strip + BlockRows) * sizeof(float);

    const int BlockRows = HeadTile.OwnRows / HeadTile.Strip, PacketFloats = 4;

    /// <summary>
    /// Starts copying this thread's part of a query's row, which it shares with <paramref name="parts"/> - 1 others.
    /// Where a grid's sides are multiples of 4, 16 bytes move at a time.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(
        SharedBytes shared, uint at, AttentionGradientArguments a, long query, bool isInside, int firstRow,
        int firstColumn, int part, int parts)
    {
        long rh = a.Rh + (query * a.Grid.Rows + firstRow) * sizeof(float);
        long rw = a.Rw + (query * a.Grid.Columns + firstColumn) * sizeof(float);
        int rows = isInside ? a.Grid.Rows - firstRow : 0, columns = isInside ? a.Grid.Columns - firstColumn : 0;
        if (((a.Grid.Columns | a.Grid.Rows) & PacketFloats - 1) == 0)
        {
            Packet(shared, at, rw, part, columns);
            if (parts < HeadTile.Strip / PacketFloats) Packet(shared, at, rw, part + parts, columns);
            if (part == 0) Ptx.CopyAsync16(shared, at + 4 * HeadTile.Strip, rh, rows > 0 ? 16 : 0);
            return;
        }
        for (int i = 0; i < HeadTile.Strip; i += parts)
            Ptx.CopyAsync4(shared, at + (uint)(4 * (i + part)), rw + 4 * (i + part), i + part < columns ? 4 : 0);
        at += 4 * HeadTile.Strip;
        for (int i = 0; i < BlockRows; i += parts)
            Ptx.CopyAsync4(shared, at + (uint)(4 * (i + part)), rh + 4 * (i + part), i + part < rows ? 4 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Packet(SharedBytes shared, uint at, long rw, int packet, int columns) => Ptx.CopyAsync16(
        shared, at + (uint)(16 * packet), rw + 16 * packet, packet * PacketFloats < columns ? 16 : 0);

    /// <summary>Where a lane reads: queries 2t and 2t + 1, columns g and g + 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Lane(int lane) => (uint)((lane & 3) * 2 * RowBytes + (lane >> 2) * sizeof(float));

    /// <summary>From there to Rh of the warp's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToRow(int lane, int warp) => (uint)((HeadTile.Strip + warp - (lane >> 2)) * sizeof(float));

    /// <summary>Rh + Rw of a lane's pairs: keys down, queries across.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Load(SharedBytes shared, uint place, uint toRow)
    {
        float even = Ptx.AsFloat(shared.Load(place + toRow)), odd = Ptx.AsFloat(shared.Load(place + toRow + RowBytes));
        return new Sums
        {
            X = even + Ptx.AsFloat(shared.Load(place)),
            Y = odd + Ptx.AsFloat(shared.Load(place + RowBytes)),
            Z = even + Ptx.AsFloat(shared.Load(place + 8 * sizeof(float))),
            W = odd + Ptx.AsFloat(shared.Load(place + RowBytes + 8 * sizeof(float))),
        };
    }
}
