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

    /// <summary>
    /// s[i, j] += over all columns c: ofS[i, c] tile[j, c], from block on, and dp the same of ofDp and the tile that
    /// lies <paramref name="toOther"/> further: side by side, so that no product waits for the one before.
    /// </summary>
    static abstract LogitSums AddProducts<TElement>(
        SharedBytes shared, LogitSums sums, TSelf ofS, TSelf ofDp, LanePlace rows, LanePlace columns, uint tile,
        uint toOther, int block) where TElement : struct, ITileElement;
}

/// <summary>Sums of the two products that a gradient of logits is made of.</summary>
struct LogitSums
{
    public Sums16x16 S, Dp;
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
        where TElement : struct, ITileElement => new()
        {
            Sums = TElement.Multiply(
                shared, sums.Sums, a, TElement.Steps(shared, steps, tile, block, rowBytes)),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip16 sums, StripTarget target, float scale, int block)
    {
        StripTarget.Store(target, sums.Sums.Left, scale, block * HeadTile.Strip);
        StripTarget.Store(target, sums.Sums.Right, scale, block * HeadTile.Strip + HeadTile.Strip / 2);
    }
}

/// <summary>Sums of 32 columns: both fragments are on their way before the first is multiplied.</summary>
struct SumStrip32 : ISumStrip<SumStrip32>
{
    public SumStrip16 Left, Right;

    public static int Blocks => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SumStrip32 AddAlongRows<TElement>(
        SharedBytes shared, SumStrip32 sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
        where TElement : struct, ITileElement
    {
        Factors left = TElement.Steps(shared, steps, tile, block, rowBytes);
        Factors right = TElement.Steps(shared, steps, tile, block + 1, rowBytes);
        return new SumStrip32
        {
            Left = new SumStrip16 { Sums = TElement.Multiply(shared, sums.Left.Sums, a, left) },
            Right = new SumStrip16 { Sums = TElement.Multiply(shared, sums.Right.Sums, a, right) },
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip32 sums, StripTarget target, float scale, int block)
    {
        SumStrip16.Store(sums.Left, target, scale, block);
        SumStrip16.Store(sums.Right, target, scale, block + 1);
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
    public static LogitSums AddProducts<TElement>(
        SharedBytes shared, LogitSums sums, HeldStrip16 ofS, HeldStrip16 ofDp, LanePlace rows, LanePlace columns,
        uint tile, uint toOther, int block) where TElement : struct, ITileElement
    {
        Factors s = TElement.Columns(shared, columns, tile, block);
        Factors dp = TElement.Columns(shared, columns, tile + toOther, block);
        return new LogitSums
        {
            S = TElement.Multiply(shared, sums.S, ofS.Factors, s),
            Dp = TElement.Multiply(shared, sums.Dp, ofDp.Factors, dp),
        };
    }
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
    public static LogitSums AddProducts<TElement>(
        SharedBytes shared, LogitSums sums, SharedStrip16 ofS, SharedStrip16 ofDp, LanePlace rows, LanePlace columns,
        uint tile, uint toOther, int block) where TElement : struct, ITileElement =>
        HeldStrip16.AddProducts<TElement>(
            shared, sums, HeldStrip16.Load<TElement>(shared, rows, ofS.Tile, block),
            HeldStrip16.Load<TElement>(shared, rows, ofDp.Tile, block), rows, columns, tile, toOther, block);
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
    public static LogitSums AddProducts<TElement>(
        SharedBytes shared, LogitSums sums, FactorStrip<TLeft, TRight> ofS, FactorStrip<TLeft, TRight> ofDp,
        LanePlace rows, LanePlace columns, uint tile, uint toOther, int block) where TElement : struct, ITileElement
    {
        sums = TLeft.AddProducts<TElement>(
            shared, sums, ofS.Left, ofDp.Left, rows, columns, tile, toOther, block);
        return TRight.AddProducts<TElement>(
            shared, sums, ofS.Right, ofDp.Right, rows, columns, tile, toOther, block + TLeft.Blocks);
    }
}
