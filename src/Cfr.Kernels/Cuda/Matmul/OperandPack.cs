using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OperandPack"/>: matrices of rows in memory, strides in elements.</summary>
struct PackArguments
{
    public long From, To, FromRow, ToRow, FromBatch, ToBatch;

    /// <summary>Columns that are there, and columns to write: what is missing becomes zeros.</summary>
    public int Rows, Columns, Padded;
}

/// <summary>An element type in memory.</summary>
unsafe interface IElement
{
    static abstract float Read(long address, long index);

    static abstract void Write(long address, long index, float first, float second);

    static abstract int Bytes { get; }
}

/// <summary>float32</summary>
readonly unsafe struct Float32Element : IElement
{
    public static int Bytes => 4;

    public static float Read(long address, long index) => ((float*)address)[index];

    public static void Write(long address, long index, float first, float second)
    {
        ((float*)address)[index] = first;
        ((float*)address)[index + 1] = second;
    }
}

/// <summary>bfloat16, rounded to nearest, ties to even; written in aligned pairs.</summary>
readonly unsafe struct BFloat16Element : IElement
{
    public static int Bytes => 2;

    public static float Read(long address, long index) => Ptx.AsFloat((uint)((ushort*)address)[index] << 16);

    public static void Write(long address, long index, float first, float second) =>
        *(uint*)(address + 2 * index) = Ptx.ToBFloat16Pair(first, second);
}

/// <summary>
/// Copies an operand to where the tiled kernels can fetch 16 bytes at a time, and converts it: rows begin at multiples
/// of 16 bytes and are padded with zeros.
/// <para>
/// Why float32 operands of a bfloat16 product are converted here and not on their way to shared memory: each element of
/// A is fetched by N / 128 blocks, of B by M / 128. For M = 4096, K = N = 768 that is 151 MB from L2 in float32, 75 MB
/// in bfloat16, and L2 is the bound of a 128 x 128 tile; the conversion moves 22 MB once. It also leaves the registers
/// to the sums and the copies to <c>cp.async</c>.
/// </para>
/// </summary>
static class OperandPack
{
    public static readonly Kernel<PackArguments> Float32 = new("pack_float32", Pairs<Float32Element, Float32Element>);
    public static readonly Kernel<PackArguments> ToBFloat16 = new("pack_float32_to_bfloat16", Pairs<Float32Element, BFloat16Element>);
    public static readonly Kernel<PackArguments> ToFloat32 = new("pack_bfloat16_to_float32", Pairs<BFloat16Element, Float32Element>);
    public static readonly Kernel<PackArguments> BFloat16 = new("pack_bfloat16", Pairs<BFloat16Element, BFloat16Element>);

    /// <summary>Eight neighbours of a float32 operand whose rows begin at multiples of 16 bytes: 48 bytes a thread.</summary>
    public static readonly Kernel<PackArguments> ToBFloat16Packets = new("pack_float32_to_bfloat16_packets", Packets);

    static void Pairs<TFrom, TTo>(PackArguments a) where TFrom : struct, IElement where TTo : struct, IElement
    {
        int pairs = a.Padded / 2;
        long from = a.From + Grid.IdxZ * a.FromBatch * TFrom.Bytes, to = a.To + Grid.IdxZ * a.ToBatch * TTo.Bytes;
        for (int row = Grid.IdxY; row < a.Rows; row += Grid.DimY)
            for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < pairs; i += Grid.DimX * Group.DimX)
            {
                float first = 2 * i < a.Columns ? TFrom.Read(from, row * a.FromRow + 2 * i) : 0;
                float second = 2 * i + 1 < a.Columns ? TFrom.Read(from, row * a.FromRow + 2 * i + 1) : 0;
                TTo.Write(to, row * a.ToRow + 2 * i, first, second);
            }
    }

    static void Packets(PackArguments a)
    {
        int packets = a.Padded / 8;
        for (int row = Grid.IdxY; row < a.Rows; row += Grid.DimY)
        {
            long from = a.From + (Grid.IdxZ * a.FromBatch + row * a.FromRow) * 4;
            long to = a.To + (Grid.IdxZ * a.ToBatch + row * a.ToRow) * 2;
            for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < packets; i += Grid.DimX * Group.DimX)
            {
                Float4 low = Ptx.Load4(from + 32L * i), high = Ptx.Load4(from + 32L * i + 16);
                Ptx.Store4(
                    to + 16L * i,
                    new Float4(
                        Ptx.AsFloat(Ptx.ToBFloat16Pair(low.X, low.Y)), Ptx.AsFloat(Ptx.ToBFloat16Pair(low.Z, low.W)),
                        Ptx.AsFloat(Ptx.ToBFloat16Pair(high.X, high.Y)), Ptx.AsFloat(Ptx.ToBFloat16Pair(high.Z, high.W))));
            }
        }
    }
}
