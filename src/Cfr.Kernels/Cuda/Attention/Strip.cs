using System.Runtime.CompilerServices;
using ILGPU;

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
    static abstract TSelf AddAlongRows(
        SharedBytes shared, TSelf sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes);

    /// <summary>Stores the sums times a scale.</summary>
    static abstract void Store(TSelf sums, StripTarget target, float scale, int block);
}

/// <summary>Factors of logits: rows of the block's own tile.</summary>
interface IFactorStrip<TSelf> : IStrip where TSelf : unmanaged, IFactorStrip<TSelf>
{
    /// <summary>Whether they stay in registers, so that the tile is free after <see cref="Load"/>.</summary>
    static abstract bool AreHeld { get; }

    static abstract TSelf Load(SharedBytes shared, LanePlace rows, uint tile, int block);

    /// <summary>
    /// s[i, j] += over all columns c: ofS[i, c] tile[j, c], from block on, and dp the same of ofDp and the tile that
    /// lies <paramref name="toOther"/> further: side by side, so that no product waits for the one before.
    /// </summary>
    static abstract LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, TSelf ofS, TSelf ofDp, LanePlace rows, LanePlace columns, uint tile,
        uint toOther, int block);
}

/// <summary>Sums of the two products that a gradient of logits is made of.</summary>
struct LogitSums
{
    public Sums16x16 S, Dp;
}

/// <summary>Where a lane stores its two rows of a strip, in memory.</summary>
unsafe struct StripTarget
{
    /// <summary>Rows g and g + 8; 0 outside.</summary>
    public long Upper, Lower;

    public int Columns;

    /// <summary>Stores two neighbours in each row.</summary>
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
struct SumStrip16<TElement> : ISumStrip<SumStrip16<TElement>> where TElement : struct, ITensorElement
{
    public Sums16x16 Sums;

    public static int Blocks => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SumStrip16<TElement> AddAlongRows(
        SharedBytes shared, SumStrip16<TElement> sums, Factors a, LanePlace steps, uint tile, int block,
        int rowBytes) => new()
        {
            Sums = TElement.Multiply(shared, sums.Sums, a, TElement.Steps(shared, steps, tile, block, rowBytes)),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip16<TElement> sums, StripTarget target, float scale, int block)
    {
        int column = block * HeadTile.Strip + (Group.IdxX & 3) * 2;
        StripTarget.Store(target, sums.Sums.Left, scale, column);
        StripTarget.Store(target, sums.Sums.Right, scale, column + HeadTile.Strip / 2);
    }
}

/// <summary>Sums of 32 columns: both fragments are on their way before the first is multiplied.</summary>
struct SumStrip32<TElement> : ISumStrip<SumStrip32<TElement>> where TElement : struct, ITensorElement
{
    public SumStrip16<TElement> Left, Right;

    public static int Blocks => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SumStrip32<TElement> AddAlongRows(
        SharedBytes shared, SumStrip32<TElement> sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
    {
        Factors left = TElement.Steps(shared, steps, tile, block, rowBytes);
        Factors right = TElement.Steps(shared, steps, tile, block + 1, rowBytes);
        return new SumStrip32<TElement>
        {
            Left = new SumStrip16<TElement> { Sums = TElement.Multiply(shared, sums.Left.Sums, a, left) },
            Right = new SumStrip16<TElement> { Sums = TElement.Multiply(shared, sums.Right.Sums, a, right) },
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SumStrip32<TElement> sums, StripTarget target, float scale, int block)
    {
        SumStrip16<TElement>.Store(sums.Left, target, scale, block);
        SumStrip16<TElement>.Store(sums.Right, target, scale, block + 1);
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
    public static SumStrip<TLeft, TRight> AddAlongRows(
        SharedBytes shared, SumStrip<TLeft, TRight> sums, Factors a, LanePlace steps, uint tile, int block,
        int rowBytes) => new()
        {
            Left = TLeft.AddAlongRows(shared, sums.Left, a, steps, tile, block, rowBytes),
            Right = TRight.AddAlongRows(
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
struct HeldStrip16<TElement> : IFactorStrip<HeldStrip16<TElement>> where TElement : struct, ITensorElement
{
    public Factors Factors;

    public static int Blocks => 1;

    public static bool AreHeld => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeldStrip16<TElement> Load(SharedBytes shared, LanePlace rows, uint tile, int block) =>
        new() { Factors = TElement.Rows(shared, rows, tile, block) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, HeldStrip16<TElement> ofS, HeldStrip16<TElement> ofDp,
        LanePlace rows, LanePlace columns, uint tile, uint toOther, int block)
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

/// <summary>
/// The same of bfloat16, whose factors fill one fragment. (A strip of pairs of which one is empty would do, but for
/// ILGPU: it takes structs of the same words for one type, also where they are divided differently.)
/// </summary>
struct HeldHalves16 : IFactorStrip<HeldHalves16>
{
    public Quad Factors;

    public static int Blocks => 1;

    public static bool AreHeld => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeldHalves16 Load(SharedBytes shared, LanePlace rows, uint tile, int block) =>
        new() { Factors = BFloat16Tile.Rows(shared, rows, tile, block).First };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, HeldHalves16 ofS, HeldHalves16 ofDp, LanePlace rows, LanePlace columns,
        uint tile, uint toOther, int block) => HeldStrip16<BFloat16Tile>.AddProducts(
            shared, sums, Pair(ofS), Pair(ofDp), rows, columns, tile, toOther, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static HeldStrip16<BFloat16Tile> Pair(HeldHalves16 own) => new() { Factors = new Factors { First = own.Factors } };
}

/// <summary>Factors of 16 columns, read from shared memory each time: wide heads leave no registers for them.</summary>
struct SharedStrip16<TElement> : IFactorStrip<SharedStrip16<TElement>> where TElement : struct, ITensorElement
{
    public uint Tile;

    public static int Blocks => 1;

    public static bool AreHeld => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SharedStrip16<TElement> Load(SharedBytes shared, LanePlace rows, uint tile, int block) =>
        new() { Tile = tile };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, SharedStrip16<TElement> ofS, SharedStrip16<TElement> ofDp,
        LanePlace rows, LanePlace columns, uint tile, uint toOther, int block) =>
        HeldStrip16<TElement>.AddProducts(
            shared, sums, HeldStrip16<TElement>.Load(shared, rows, ofS.Tile, block),
            HeldStrip16<TElement>.Load(shared, rows, ofDp.Tile, block), rows, columns, tile, toOther, block);
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
    public static FactorStrip<TLeft, TRight> Load(SharedBytes shared, LanePlace rows, uint tile, int block) => new()
    {
        Left = TLeft.Load(shared, rows, tile, block),
        Right = TRight.Load(shared, rows, tile, block + TLeft.Blocks),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, FactorStrip<TLeft, TRight> ofS, FactorStrip<TLeft, TRight> ofDp,
        LanePlace rows, LanePlace columns, uint tile, uint toOther, int block)
    {
        sums = TLeft.AddProducts(
            shared, sums, ofS.Left, ofDp.Left, rows, columns, tile, toOther, block);
        return TRight.AddProducts(
            shared, sums, ofS.Right, ofDp.Right, rows, columns, tile, toOther, block + TLeft.Blocks);
    }
}
