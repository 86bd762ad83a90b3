using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Probabilities of 16 keys as A's fragments: one of bfloat16, two of TF32 (the even keys, then the odd).
/// </summary>
struct Probabilities<TFragment> where TFragment : unmanaged
{
    public TFragment First, Second;
}

/// <summary>What attention multiplies on tensor cores.</summary>
interface IFlashFactors
{
    static abstract Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1);

    /// <summary>Rounds probabilities of 16 keys and makes a left operand of them, without any lane's help.</summary>
    static abstract Probabilities<TFragment> Round<TSums, TFragment>(TSums p)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged;

    /// <summary>Where a lane reads in a tile of values.</summary>
    static abstract uint PlaceOfValues(int lane, int rowBytes);

    /// <summary>
    /// Adds the product of 16 keys' probabilities and 16 columns of their values, in the tile at <paramref
    /// name="tile"/>.
    /// </summary>
    static abstract TSums AddValues<TSums, TFragment>(
        SharedBytes shared, TSums sums, Probabilities<TFragment> p, uint tile, uint place, int column, int rowBytes)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged;
}

/// <summary>
/// bfloat16. The sums of two neighbouring 16 x 8 tiles are spread over the lanes as the left operand of a product over
/// 16: rounded in pairs, the probabilities are that operand. Values are turned by <c>ldmatrix.trans</c>.
/// </summary>
readonly struct BFloat16Factors : IFlashFactors
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1) =>
        Ptx.MmaBFloat16(shared, sums, a, b0, b1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Probabilities<TFragment> Round<TSums, TFragment>(TSums p)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged =>
        new() { First = TSums.BFloat16Operand(p) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceOfValues(int lane, int rowBytes) => PackedRows.Place(lane & 15, lane >> 4, rowBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums AddValues<TSums, TFragment>(
        SharedBytes shared, TSums sums, Probabilities<TFragment> p, uint tile, uint place, int column, int rowBytes)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        Quad values = Ptx.LoadMatrixTransposed(shared, tile + PackedRows.Further(place, column, rowBytes));
        return TSums.Multiply<BFloat16Factors>(shared, sums, p.First, values);
    }
}

/// <summary>
/// TF32. A product over 8 wants words t and t + 4 of a row in lane t, which has the sums of columns 2t and 2t + 1. The
/// order of the keys does not matter to the sum, so word t is called key 2t and word t + 4 key 2t + 1, in the values
/// too: these are read word by word, rows 2t and 2t + 1 of column g.
/// </summary>
readonly struct Tf32Factors : IFlashFactors
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1) =>
        Ptx.MmaTf32(shared, sums, a, b0, b1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Probabilities<TFragment> Round<TSums, TFragment>(TSums p)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged =>
        new() { First = TSums.Tf32Operand(p, right: false), Second = TSums.Tf32Operand(p, right: true) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceOfValues(int lane, int rowBytes) =>
        PackedRows.Place((lane & 3) * 2, lane >> 4, rowBytes) + (uint)((lane >> 2 & 3) * 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSums AddValues<TSums, TFragment>(
        SharedBytes shared, TSums sums, Probabilities<TFragment> p, uint tile, uint place, int column, int rowBytes)
        where TSums : unmanaged, IRowSums<TSums, TFragment> where TFragment : unmanaged
    {
        uint eight = (uint)(8 * rowBytes);
        sums = TSums.Multiply<Tf32Factors>(shared, sums, p.First, Values(shared, tile, place, column, rowBytes));
        return TSums.Multiply<Tf32Factors>(
            shared, sums, p.Second, Values(shared, tile + eight, place, column, rowBytes));
    }

    /// <summary>Of 8 keys and 16 columns, 8 of which are two chunks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Quad Values(SharedBytes shared, uint tile, uint place, int column, int rowBytes)
    {
        // The next row's chunks are turned by one bit more, or where rows are turned in pairs alike.
        uint next = rowBytes % 128 == 0 ? place ^ 16 : place, further = tile + (uint)rowBytes;
        return new Quad
        {
            X = shared.Load(tile + PackedRows.Further(place, 2 * column, rowBytes)),
            Y = shared.Load(further + PackedRows.Further(next, 2 * column, rowBytes)),
            Z = shared.Load(tile + PackedRows.Further(place, 2 * column + 1, rowBytes)),
            W = shared.Load(further + PackedRows.Further(next, 2 * column + 1, rowBytes)),
        };
    }
}
