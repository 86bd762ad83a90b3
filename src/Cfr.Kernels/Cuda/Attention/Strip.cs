using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A warp's 16 rows of a head, 16 columns at a time: sums of a gradient, or factors that stay for a whole kernel.
/// Strips are put together of narrower ones, as nothing unrolls a loop over fields.
/// </summary>
interface IStrip
{
    /// <summary>Runs of 16 columns.</summary>
    static abstract int Blocks { get; }
}

/// <summary>Sums of a gradient in registers.</summary>
interface ISumStrip<TSelf> : IStrip where TSelf : unmanaged, ISumStrip<TSelf>
{
    /// <summary>sums[i, c] += over the rows j of the tile: a[i, j] tile[j, c], from block on</summary>
    static abstract TSelf AddAlongRows<TElement>(
        SharedBytes shared, TSelf sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
        where TElement : struct, ITileElement;

    /// <summary>Stores the sums times a scale.</summary>
    static abstract void Store(TSelf sums, StripTarget target, float scale, int block);
}

/// <summary>Factors of logits: rows of the block's own tile.</summary>
interface IFactorStrip<TSelf> : IStrip where TSelf : unmanaged, IFactorStrip<TSelf>
{
    /// <summary>Whether they stay in registers, so that the tile is free after <see cref="Load"/>.</summary>
    static abstract bool AreHeld { get; }

    static abstract TSelf Load<TElement>(SharedBytes shared, LanePlace rows, uint tile, int block)
        where TElement : struct, ITileElement;

    /// <summary>sums[i, j] += over all columns c: own[i, c] tile[j, c], from block on</summary>
    static abstract Sums16x16 AddProduct<TElement>(
        SharedBytes shared, Sums16x16 sums, TSelf own, LanePlace rows, LanePlace columns, uint tile, int block)
        where TElement : struct, ITileElement;
}

/// <summary>Where a lane stores its two rows of a strip, in memory.</summary>
unsafe struct StripTarget
{
    /// <summary>Rows g and g + 8 at the lane's first column; 0 outside.</summary>
    public long Upper, Lower;

    /// <summary>Columns from the lane's first one on.</summary>
    public int Columns;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(StripTarget target, Sums sums, float scale, int column)
    {
        Store(target.Upper, target.Columns, sums.X * scale, sums.Y * scale, column);
        Store(target.Lower, target.Columns, sums.Z * scale, sums.W * scale, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(long row, int columns, float x, float y, int column)
    {
        if (row == 0) return;
        float* target = (float*)row;
        if (column < columns) target[column] = x;
        if (column + 1 < columns) target[column + 1] = y;
    }
}

/// <summary>Sums of 16 columns.</summary>
struct SumStrip16 : ISumStrip<SumStrip16>
{
    public Sums16x16 Sums;

    public static int Blocks => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SumStrip16 AddAlongRows<TElement>(
        SharedBytes shared, SumStrip16 sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
        where TElement : struct, ITileElement =>
        new() { Sums = TElement.AddAlongRows(shared, sums.Sums, a, steps, tile, block, rowBytes) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip16 sums, StripTarget target, float scale, int block)
    {
        StripTarget.Store(target, sums.Sums.Left, scale, block * HeadTile.Strip);
        StripTarget.Store(target, sums.Sums.Right, scale, block * HeadTile.Strip + HeadTile.Strip / 2);
    }
}

/// <summary>Sums of as many columns as two strips have.</summary>
struct SumStrip<TLeft, TRight> : ISumStrip<SumStrip<TLeft, TRight>>
    where TLeft : unmanaged, ISumStrip<TLeft> where TRight : unmanaged, ISumStrip<TRight>
{
    public TLeft Left;
    public TRight Right;

    public static int Blocks => TLeft.Blocks + TRight.Blocks;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SumStrip<TLeft, TRight> AddAlongRows<TElement>(
        SharedBytes shared, SumStrip<TLeft, TRight> sums, Factors a, LanePlace steps, uint tile, int block,
        int rowBytes) where TElement : struct, ITileElement => new()
        {
            Left = TLeft.AddAlongRows<TElement>(shared, sums.Left, a, steps, tile, block, rowBytes),
            Right = TRight.AddAlongRows<TElement>(
                shared, sums.Right, a, steps, tile, block + TLeft.Blocks, rowBytes),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip<TLeft, TRight> sums, StripTarget target, float scale, int block)
    {
        TLeft.Store(sums.Left, target, scale, block);
        TRight.Store(sums.Right, target, scale, block + TLeft.Blocks);
    }
}

/// <summary>Factors of 16 columns, in registers.</summary>
struct HeldStrip16 : IFactorStrip<HeldStrip16>
{
    public Factors Factors;

    public static int Blocks => 1;

    public static bool AreHeld => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeldStrip16 Load<TElement>(SharedBytes shared, LanePlace rows, uint tile, int block)
        where TElement : struct, ITileElement => new() { Factors = TElement.Rows(shared, rows, tile, block) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x16 AddProduct<TElement>(
        SharedBytes shared, Sums16x16 sums, HeldStrip16 own, LanePlace rows, LanePlace columns, uint tile, int block)
        where TElement : struct, ITileElement =>
        TElement.AddAlongColumns(shared, sums, own.Factors, columns, tile, block);
}

/// <summary>Factors of 16 columns, read from shared memory each time: wide heads leave no registers for them.</summary>
struct SharedStrip16 : IFactorStrip<SharedStrip16>
{
    public uint Tile;

    public static int Blocks => 1;

    public static bool AreHeld => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SharedStrip16 Load<TElement>(SharedBytes shared, LanePlace rows, uint tile, int block)
        where TElement : struct, ITileElement => new() { Tile = tile };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x16 AddProduct<TElement>(
        SharedBytes shared, Sums16x16 sums, SharedStrip16 own, LanePlace rows, LanePlace columns, uint tile, int block)
        where TElement : struct, ITileElement => TElement.AddAlongColumns(
            shared, sums, TElement.Rows(shared, rows, own.Tile, block), columns, tile, block);
}

/// <summary>Factors of as many columns as two strips have.</summary>
struct FactorStrip<TLeft, TRight> : IFactorStrip<FactorStrip<TLeft, TRight>>
    where TLeft : unmanaged, IFactorStrip<TLeft> where TRight : unmanaged, IFactorStrip<TRight>
{
    public TLeft Left;
    public TRight Right;

    public static int Blocks => TLeft.Blocks + TRight.Blocks;

    public static bool AreHeld => TLeft.AreHeld;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FactorStrip<TLeft, TRight> Load<TElement>(SharedBytes shared, LanePlace rows, uint tile, int block)
        where TElement : struct, ITileElement => new()
        {
            Left = TLeft.Load<TElement>(shared, rows, tile, block),
            Right = TRight.Load<TElement>(shared, rows, tile, block + TLeft.Blocks),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x16 AddProduct<TElement>(
        SharedBytes shared, Sums16x16 sums, FactorStrip<TLeft, TRight> own, LanePlace rows, LanePlace columns,
        uint tile, int block) where TElement : struct, ITileElement =>
        TRight.AddProduct<TElement>(
            shared, TLeft.AddProduct<TElement>(shared, sums, own.Left, rows, columns, tile, block), own.Right, rows,
            columns, tile, block + TLeft.Blocks);
}
