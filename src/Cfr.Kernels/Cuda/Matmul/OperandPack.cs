using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OperandPack"/>: matrices of rows in memory, strides in elements.</summary>
struct PackArguments
{
    public long From, To, FromRow, ToRow, FromBatch, ToBatch;

    /// <summary>Columns that are there, and columns to write: what is missing becomes zeros.</summary>
    public int Rows, Columns, Padded;

    /// <summary>The matrix of the batch that the grid's z = 0 stands for.</summary>
    public int FirstMatrix;
}

/// <summary>An element type in memory.</summary>
interface IElement
{
    static abstract int Bytes { get; }

    static abstract float Read(long address, long index);

    static abstract void Write(long address, long index, float value);
}

/// <summary>float32</summary>
readonly unsafe struct Float32Element : IElement
{
    public static int Bytes => sizeof(float);

    public static float Read(long address, long index) => ((float*)address)[index];

    public static void Write(long address, long index, float value) => ((float*)address)[index] = value;
}

/// <summary>bfloat16, rounded to nearest, ties to even.</summary>
readonly unsafe struct BFloat16Element : IElement
{
    public static int Bytes => sizeof(ushort);

    public static float Read(long address, long index) => Ptx.LowBFloat16(((ushort*)address)[index]);

    public static void Write(long address, long index, float value) =>
        ((ushort*)address)[index] = (ushort)Ptx.ToBFloat16Pair(value, 0);
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
    public static readonly Kernel<PackArguments> Float32 =
        new("pack_float32", Elements<Float32Element, Float32Element>);
    public static readonly Kernel<PackArguments> ToBFloat16 =
        new("pack_float32_to_bfloat16", Elements<Float32Element, BFloat16Element>);
    public static readonly Kernel<PackArguments> ToFloat32 =
        new("pack_bfloat16_to_float32", Elements<BFloat16Element, Float32Element>);
    public static readonly Kernel<PackArguments> BFloat16 =
        new("pack_bfloat16", Elements<BFloat16Element, BFloat16Element>);

    /// <summary>
    /// Eight neighbours of a float32 operand whose rows begin at multiples of 16 bytes: 48 bytes a thread.
    /// </summary>
    public static readonly Kernel<PackArguments> ToBFloat16Packets = new("pack_float32_to_bfloat16_packets", Packets);

    /// <summary>The kernel between these types.</summary>
    public static Kernel<PackArguments> For(DType from, DType to, bool hasPackets) => (from, to) switch
    {
        (DType.Float32, DType.BFloat16) => hasPackets ? ToBFloat16Packets : ToBFloat16,
        (DType.BFloat16, DType.Float32) => ToFloat32,
        (DType.BFloat16, DType.BFloat16) => BFloat16,
        (DType.Float32, DType.Float32) => Float32,
        _ => throw new ArgumentException($"a product takes float32 and bfloat16, not {from} and {to}"),
    };

    static void Elements<TFrom, TTo>(PackArguments a) where TFrom : struct, IElement where TTo : struct, IElement
    {
        int matrix = a.FirstMatrix + Grid.IdxZ;
        long from = a.From + matrix * a.FromBatch * TFrom.Bytes, to = a.To + matrix * a.ToBatch * TTo.Bytes;
        for (int row = Grid.IdxY; row < a.Rows; row += Grid.DimY)
            for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Padded; i += Grid.DimX * Group.DimX)
                TTo.Write(to, row * a.ToRow + i, i < a.Columns ? TFrom.Read(from, row * a.FromRow + i) : 0);
    }

    static void Packets(PackArguments a)
    {
        int packets = a.Padded / 8, matrix = a.FirstMatrix + Grid.IdxZ;
        for (int row = Grid.IdxY; row < a.Rows; row += Grid.DimY)
        {
            long from = a.From + (matrix * a.FromBatch + row * a.FromRow) * 4;
            long to = a.To + (matrix * a.ToBatch + row * a.ToRow) * 2;
            for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < packets; i += Grid.DimX * Group.DimX)
            {
                Float4 low = Ptx.Load4(from + 32L * i), high = Ptx.Load4(from + 32L * i + 16);
                float first = Ptx.AsFloat(Ptx.ToBFloat16Pair(low.X, low.Y));
                float second = Ptx.AsFloat(Ptx.ToBFloat16Pair(low.Z, low.W));
                float third = Ptx.AsFloat(Ptx.ToBFloat16Pair(high.X, high.Y));
                float fourth = Ptx.AsFloat(Ptx.ToBFloat16Pair(high.Z, high.W));
                Ptx.Store4(to + 16L * i, new Float4(first, second, third, fourth));
            }
        }
    }
}
