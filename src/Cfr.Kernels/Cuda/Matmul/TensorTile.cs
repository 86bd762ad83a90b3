using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What tensor cores multiply: 16 x 8 sums over 32 bytes of k, as shared memory holds it.</summary>
interface IMma
{
    static abstract int ElementBytes { get; }

    /// <summary>Rounds what shared memory held to factors, unless that is left to the product.</summary>
    static abstract Quad Round(Quad fragment);

    static abstract Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1);
}

/// <summary>bfloat16: m16n8k16.</summary>
readonly struct BFloat16Mma : IMma
{
    public static int ElementBytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Round(Quad fragment) => fragment;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1) =>
        Ptx.MmaBFloat16(shared, sums, a, b0, b1);
}

/// <summary>TF32: m16n8k8 on floats, rounded in registers on the way from shared memory.</summary>
readonly struct Tf32Mma : IMma
{
    public static int ElementBytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Round(Quad fragment) => new()
    {
        X = Ptx.ToTf32(fragment.X),
        Y = Ptx.ToTf32(fragment.Y),
        Z = Ptx.ToTf32(fragment.Z),
        W = Ptx.ToTf32(fragment.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1) =>
        Ptx.MmaTf32(shared, sums, a, b0, b1);
}

/// <summary>
/// bfloat16 from floats: m16n8k8, rounded in registers on the way from shared memory, one instruction a pair. A pair
/// is words t and t + 4: in which order the sum takes its steps is free, as long as both factors agree.
/// </summary>
readonly struct BFloat16OfFloatsMma : IMma
{
    public static int ElementBytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Round(Quad fragment) => fragment;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums Multiply(SharedBytes shared, Sums sums, Quad a, uint b0, uint b1) =>
        Ptx.MmaBFloat16(shared, sums, Pair(a.X, a.Z), Pair(a.Y, a.W), Pair(b0, b1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Pair(uint low, uint high) => Ptx.ToBFloat16Pair(Ptx.AsFloat(low), Ptx.AsFloat(high));
}

/// <summary>How many warps a block has, and how they share its tile.</summary>
interface IWarps
{
    static abstract int Down { get; }

    static abstract int Across { get; }
}

/// <summary>One warp.</summary>
readonly struct OneWarp : IWarps
{
    public static int Down => 1;

    public static int Across => 1;
}

/// <summary>Four warps.</summary>
readonly struct Warps2x2 : IWarps
{
    public static int Down => 2;

    public static int Across => 2;
}

/// <summary>Four warps, one below the other.</summary>
readonly struct Warps4x1 : IWarps
{
    public static int Down => 4;

    public static int Across => 1;
}

/// <summary>Eight warps.</summary>
readonly struct Warps2x4 : IWarps
{
    public static int Down => 2;

    public static int Across => 4;
}

/// <summary>Eight warps, four below each other.</summary>
readonly struct Warps4x2 : IWarps
{
    public static int Down => 4;

    public static int Across => 2;
}

/// <summary>
/// Rung 4, tensor cores: a warp makes 64 x 64 (or 48 x 64, 32 x 32) of the tile. Each fragment of A meets all of B's:
/// <code>
///   64 x 64, 32 bytes of k:   8 fragments of 512 bytes for 32 mma     32 clocks of shared memory, 32 of mma at peak
///   48 x 64:                  7 fragments for 24 mma                  28 and 24
///   32 x 32:                  4 fragments for 8 mma                   16 and 8: for small products
/// </code>
/// mma.sync reaches about 0.65 of the peak of an H100 (0.62 to 0.65 measured by others): 49 clocks, and shared memory
/// keeps up. Registers: 128 of sums and 64 of fragments, half of which are on their way.
/// </summary>
readonly struct TensorTile<TMma, TWarp, TFragments, TWarps, TA, TB> : ITile<TWarp, TFragments>
    where TMma : struct, IMma where TWarp : unmanaged, IWarpTile<TWarp, TFragments> where TFragments : unmanaged
    where TWarps : struct, IWarps
    where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout
{
    public static int Rows => TWarp.Rows * TWarps.Down;

    public static int Columns => TWarp.Columns * TWarps.Across;

    public static int Threads => BlockReduce.WarpSize * TWarps.Down * TWarps.Across;

    public static int ElementBytes => TMma.ElementBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceA(int thread) =>
        TA.LaneOffset(thread & 31, WarpRow(thread), Rows, ofB: false);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceB(int thread) =>
        TB.LaneOffset(thread & 31, WarpColumn(thread), Columns, ofB: true);

    public static int Parts => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFragments Load(SharedBytes shared, uint a, uint b, int part) =>
        TWarp.Load<TA, TB>(shared, a, b, part, Rows, Columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWarp Multiply(SharedBytes shared, TWarp sums, TFragments of) =>
        TWarp.Multiply<TMma>(shared, sums, of);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, TWarp sums, int thread)
    {
        int lane = thread & 31;
        TWarp.Spill(
            shared, sums, WarpRow(thread) + (lane >> 2), WarpColumn(thread) + (lane & 3) * 2, Columns * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int WarpRow(int thread) => (thread >> 5 + Tile.Log2(TWarps.Across)) * TWarp.Rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int WarpColumn(int thread) => (thread >> 5 & TWarps.Across - 1) * TWarp.Columns;
}
