using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>One operand of <see cref="AttentionPack"/>.</summary>
struct PackedOperand
{
    public TokenRows From;
    public long To;
    public int Tokens;
    public float Factor;

    /// <summary>Columns of the grid if its rows become strips (<see cref="PositionsOfStrips"/>), else 0.</summary>
    public int StripColumns;
}

/// <summary>Arguments of <see cref="AttentionPack"/>.</summary>
struct AttentionPackArguments
{
    /// <summary>The grid's y says which.</summary>
    public PackedOperand First, Second, Third;
    public int Images, HeadWidth, RowBytes;

    /// <summary>Whether rows begin at multiples of 16 bytes and consist of runs of four: 1 or 0.</summary>
    public int Packed;

    /// <summary>Whether chunks keep their order, instead of that of <see cref="PackedRows"/>: 1 or 0.</summary>
    public int InOrder;
    public Divisor Heads, Chunks;
    public WindowGrid Windows;
}

/// <summary>What a packed element is.</summary>
interface IPackedElement
{
    /// <summary>Elements of 16 bytes.</summary>
    static abstract int PerChunk { get; }

    /// <summary>x times a factor, before it is rounded.</summary>
    static abstract Float4 Scale(Float4 x, float factor);

    static abstract Float4 Chunk(Float4 low, Float4 high);
}

/// <summary>
/// bfloat16; rounded before it is scaled, too, so that tokens which lie in memory as bfloat16 give the same bits.
/// </summary>
readonly struct PackedBFloat16 : IPackedElement
{
    public static int PerChunk => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Scale(Float4 x, float factor)
    {
        uint low = Ptx.ToBFloat16Pair(x.X, x.Y), high = Ptx.ToBFloat16Pair(x.Z, x.W);
        return Factor.Times(
            new Float4(
                Ptx.LowBFloat16(low), Ptx.HighBFloat16(low), Ptx.LowBFloat16(high), Ptx.HighBFloat16(high)),
            factor);
    }

    public static Float4 Chunk(Float4 low, Float4 high) => new(
        Ptx.AsFloat(Ptx.ToBFloat16Pair(low.X, low.Y)), Ptx.AsFloat(Ptx.ToBFloat16Pair(low.Z, low.W)),
        Ptx.AsFloat(Ptx.ToBFloat16Pair(high.X, high.Y)), Ptx.AsFloat(Ptx.ToBFloat16Pair(high.Z, high.W)));
}

/// <summary>float32 that hold no more than TF32 does.</summary>
readonly struct PackedTf32 : IPackedElement
{
    public static int PerChunk => 4;

    public static Float4 Scale(Float4 x, float factor) => Factor.Times(x, factor);

    public static Float4 Chunk(Float4 low, Float4 high) =>
        new(Round(low.X), Round(low.Y), Round(low.Z), Round(low.W));

    static float Round(float value) => Ptx.AsFloat(Ptx.ToTf32(Ptx.AsBits(value)));
}

/// <summary>float32 as they are.</summary>
readonly struct PackedFloat32 : IPackedElement
{
    public static int PerChunk => 4;

    public static Float4 Scale(Float4 x, float factor) => Factor.Times(x, factor);

    public static Float4 Chunk(Float4 low, Float4 high) => low;
}

/// <summary>A number that multiplies four others.</summary>
static class Factor
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Times(Float4 x, float factor) =>
        new(x.X * factor, x.Y * factor, x.Z * factor, x.W * factor);
}

/// <summary>In which type tokens lie in memory.</summary>
interface ITokenElement
{
    static abstract int Bytes { get; }

    /// <summary>Four neighbours, with zeros behind those that are left; packed where they begin at a multiple of four.</summary>
    static abstract Float4 Load(long address, int left, int packed);
}

/// <summary>float32</summary>
readonly unsafe struct Float32Tokens : ITokenElement
{
    public static int Bytes => sizeof(float);

    public static Float4 Load(long address, int left, int packed)
    {
        if (packed != 0) return left <= 0 ? default : Ptx.Load4(address);
        float* source = (float*)address;
        return new Float4(
            left > 0 ? source[0] : 0, left > 1 ? source[1] : 0, left > 2 ? source[2] : 0, left > 3 ? source[3] : 0);
    }
}

/// <summary>bfloat16</summary>
readonly unsafe struct BFloat16Tokens : ITokenElement
{
    public static int Bytes => sizeof(ushort);

    public static Float4 Load(long address, int left, int packed)
    {
        if (packed != 0)
        {
            if (left <= 0) return default;
            FourLanes four = FourLanes.LoadHalves(address);
            return new Float4(four.X.Value, four.Y.Value, four.Z.Value, four.W.Value);
        }
        ushort* source = (ushort*)address;
        return new Float4(
            left > 0 ? Ptx.LowBFloat16(source[0]) : 0, left > 1 ? Ptx.LowBFloat16(source[1]) : 0,
            left > 2 ? Ptx.LowBFloat16(source[2]) : 0, left > 3 ? Ptx.LowBFloat16(source[3]) : 0);
    }
}

/// <summary>
/// Queries, keys and values as <see cref="FlashAttention"/> takes them: head by head, [Batch, Heads, Tokens, padded
/// width], rounded to the factors of tensor cores, with zeros behind the width, chunks as in <see cref="PackedRows"/>,
/// queries times the scale. Windows are read out of their images, with zeros for queries outside. A thread writes 16
/// bytes. Bytes: 4 or 2 in and 2 (bfloat16) or 4 (TF32) out an element, once; a
/// tile of keys is then fetched as it is by every block of queries, 32 of them for 4,096 tokens.
/// </summary>
static class AttentionPack
{
    public static readonly Kernel<AttentionPackArguments> BFloat16 =
        new("attention_pack_bfloat16", Run<PackedBFloat16, Float32Tokens>);
    public static readonly Kernel<AttentionPackArguments> OfBFloat16 =
        new("attention_pack_of_bfloat16", Run<PackedBFloat16, BFloat16Tokens>);
    public static readonly Kernel<AttentionPackArguments> Float32 =
        new("attention_pack_float32", Run<PackedFloat32, Float32Tokens>);
    public static readonly Kernel<AttentionPackArguments> Tf32 =
        new("attention_pack_tf32", Run<PackedTf32, Float32Tokens>);

    static void Run<TElement, TToken>(AttentionPackArguments a)
        where TElement : struct, IPackedElement where TToken : struct, ITokenElement
    {
        PackedOperand operand = Grid.IdxY == 0 ? a.First : Grid.IdxY == 1 ? a.Second : a.Third;
        int chunks = a.Chunks.Value, chunksOfImage = operand.Tokens * chunks;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int image = Grid.IdxZ; image < a.Images; image += Grid.DimZ)
        {
            int batch = image / a.Heads, head = image - batch * a.Heads.Value;
            TokenWindow window = TokenWindow.Of(a.Windows, batch);
            long to = operand.To + (long)image * operand.Tokens * a.RowBytes;
            for (int i = thread; i < chunksOfImage; i += threads)
            {
                int row = i / a.Chunks, chunk = i - row * chunks, first = chunk * TElement.PerChunk;
                int token = operand.StripColumns == 0 ? row : OfStrip(row, operand.StripColumns);
                long source = token < 0
                    ? 0
                    : TokenRows.Row(operand.From, a.Windows, window, token, head * a.HeadWidth + first, TToken.Bytes);
                int left = source == 0 ? 0 : a.HeadWidth - first;
                Float4 low = TElement.Scale(TToken.Load(source, left, a.Packed), operand.Factor), high = default;
                if (TElement.PerChunk > 4)
                    high = TElement.Scale(TToken.Load(source + 4 * TToken.Bytes, left - 4, a.Packed), operand.Factor);
                long place = a.InOrder != 0 ? 16L * i : PackedRows.Place(row, chunk, a.RowBytes);
                Ptx.Store4(to + place, TElement.Chunk(low, high));
            }
        }
    }

    /// <summary>The token of a row in strips; -1 behind a strip's end.</summary>
    static int OfStrip(int row, int columns)
    {
        int column = row & PositionsOfStrips.Columns - 1;
        return column < columns ? row / PositionsOfStrips.Columns * columns + column : -1;
    }
}
