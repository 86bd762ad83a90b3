using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="HeadPack"/>.</summary>
struct HeadPackArguments
{
    public TokenRows From;
    public long To;
    public Divisor Tokens, Heads;

    /// <summary>Columns that are there; runs of four columns to write, and what they are divided by.</summary>
    public int HeadWidth;
    public Divisor Packets;
    public int Count;
}

/// <summary>
/// Heads apart, for tensor cores: <c>[Batch, Heads, Tokens, 16 Blocks]</c> of bfloat16, or of float32 rounded to TF32,
/// padded with zeros. A tile of a head is then one run of memory that 16-byte copies bring to shared memory as it is.
/// Every tile is read once for each tile of the other side; it is converted once. Bytes: 4 + 2 (or 4) an element.
/// </summary>
static unsafe class HeadPack
{
    const int Packet = 4;

    static readonly Kernel<HeadPackArguments> BFloat16 = new("attention_pack_bfloat16", ToBFloat16<Float1>);
    static readonly Kernel<HeadPackArguments> BFloat16Packets =
        new("attention_pack_bfloat16_packets", ToBFloat16<Float4>);
    static readonly Kernel<HeadPackArguments> Tf32 = new("attention_pack_tf32", ToTf32<Float1>);
    static readonly Kernel<HeadPackArguments> Tf32Packets = new("attention_pack_tf32_packets", ToTf32<Float4>);

    /// <summary>The packed copy, in scratch memory, to be released after the launches that read it.</summary>
    public static DeviceBuffer Copy(GpuDevice gpu, AttentionShape shape, Tokens from, int tokens, int width)
    {
        bool isHalf = gpu.Precision == Precision.BFloat16;
        long elements = (long)shape.Batch * shape.Heads * tokens * width;
        DeviceBuffer to = gpu.Pool.Rent(elements * (isHalf ? sizeof(ushort) : sizeof(float)));
        bool hasPackets = from.Data.Address % 16 == 0 && shape.HeadWidth % Packet == 0
            && from.RowStride % Packet == 0 && from.BatchStride % Packet == 0;
        var arguments = new HeadPackArguments
        {
            From = new TokenRows(from),
            To = to.Address,
            Tokens = new Divisor(tokens),
            Heads = new Divisor(shape.Heads),
            HeadWidth = shape.HeadWidth,
            Packets = new Divisor(width / Packet),
            Count = checked((int)(elements / Packet)),
        };
        Kernel<HeadPackArguments> kernel = hasPackets
            ? isHalf ? BFloat16Packets : Tf32Packets
            : isHalf ? BFloat16 : Tf32;
        gpu.LaunchOver(kernel, arguments, arguments.Count);
        return to;
    }

    static void ToBFloat16<P>(HeadPackArguments a) where P : struct, IPacket<P>
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Count; i += threads)
        {
            Float4 x = Read<P>(a, i);
            ((ulong*)a.To)[i] = Ptx.ToBFloat16Pair(x.X, x.Y) | (ulong)Ptx.ToBFloat16Pair(x.Z, x.W) << 32;
        }
    }

    static void ToTf32<P>(HeadPackArguments a) where P : struct, IPacket<P>
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Count; i += threads)
        {
            Float4 x = Read<P>(a, i);
            Ptx.Store4(a.To + 16L * i, new Float4(Rounded(x.X), Rounded(x.Y), Rounded(x.Z), Rounded(x.W)));
        }
    }

    static float Rounded(float x) => Ptx.AsFloat(Ptx.ToTf32(Ptx.AsBits(x)));

    /// <summary>Run i of the copy: four columns of a token of a head.</summary>
    static Float4 Read<P>(HeadPackArguments a, int i) where P : struct, IPacket<P>
    {
        int row = i / a.Packets, column = (i - row * a.Packets.Value) * Packet, columns = a.HeadWidth - column;
        int image = row / a.Tokens, token = row - image * a.Tokens.Value;
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        long from = a.From.Address
            + (batch * a.From.BatchStride + token * a.From.RowStride + head * a.HeadWidth + column) * sizeof(float);
        if (P.Floats == Packet) return columns > 0 ? Ptx.Load4(from) : default;
        float* x = (float*)from;
        return new Float4(
            columns > 0 ? x[0] : 0, columns > 1 ? x[1] : 0, columns > 2 ? x[2] : 0, columns > 3 ? x[3] : 0);
    }
}
