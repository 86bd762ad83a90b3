using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A volume in memory, <c>[Batch, D, H, W, Channels]</c> of float32.</summary>
struct VolumeOperand
{
    public long Address;
    public Extent Size;
    public int Channels;

    /// <summary>Whether channels come in whole, aligned packets of four.</summary>
    public int HasPackets;

    public static VolumeOperand Of(View x, Extent size, int channels) => new()
    {
        Address = x.Address,
        Size = size,
        Channels = channels,
        HasPackets = channels % 4 == 0 && x.Address % 16 == 0 ? 1 : 0,
    };
}

/// <summary>
/// How four neighbouring channels of a voxel come from memory. What a convolution's input goes through before (a
/// normalisation, a rectifier) can be another such policy: it must leave zeros where there is no voxel.
/// </summary>
interface IConvolutionInput
{
    /// <summary>
    /// The channels at this address, of which the first <paramref name="there"/> exist (0 or less: none); zeros for
    /// the others.
    /// </summary>
    static abstract Float4 Load(long address, int there);
}

/// <summary>As it stands, in packets.</summary>
readonly struct PacketInput : IConvolutionInput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load(long address, int there) => Ptx.Load4OrZeros(address, there > 0);
}

/// <summary>As it stands, element by element.</summary>
readonly struct ElementInput : IConvolutionInput
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load(long address, int there) => new(
        Ptx.LoadOrZero(address, there > 0), Ptx.LoadOrZero(address + 4, there > 1),
        Ptx.LoadOrZero(address + 8, there > 2), Ptx.LoadOrZero(address + 12, there > 3));
}

/// <summary>What a float32 becomes in shared memory.</summary>
interface IHaloElement
{
    static abstract int Bytes { get; }

    /// <summary>Stores four neighbours.</summary>
    static abstract void Store(SharedBytes shared, uint offset, Float4 value);
}

/// <summary>bfloat16, for tensor cores.</summary>
readonly struct BFloat16Halo : IHaloElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SharedBytes shared, uint offset, Float4 value) => shared.Store2(
        offset, Ptx.AsFloat(Ptx.ToBFloat16Pair(value.X, value.Y)), Ptx.AsFloat(Ptx.ToBFloat16Pair(value.Z, value.W)));
}

/// <summary>TF32, rounded once here and not at each of the taps that read it.</summary>
readonly struct Tf32Halo : IHaloElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SharedBytes shared, uint offset, Float4 value) => shared.Store4(
        offset, new Float4(Rounded(value.X), Rounded(value.Y), Rounded(value.Z), Rounded(value.W)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Rounded(float value) => Ptx.AsFloat(Ptx.ToTf32(Ptx.AsBits(value)));
}

/// <summary>float32.</summary>
readonly struct Float32Halo : IHaloElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SharedBytes shared, uint offset, Float4 value) => shared.Store4(offset, value);
}

/// <summary>
/// Brings a box of voxels, 32 bytes of channels of each, from a volume to shared memory; what lies outside of the
/// volume or behind its last channel becomes zeros. A voxel is a row of 32 bytes in two chunks, permuted by <see
/// cref="Swizzle.Thin"/> with its place on the w axis: <c>ldmatrix</c> then reads eight neighbours along w from any
/// voxel on without conflicts, so all taps of a kernel read the same box.
/// <para>
/// Neighbouring threads take neighbouring packets of four channels, 16 bytes of float32. A thread has eight loads on
/// their way before it stores the first: 16 KiB a block of 128 threads.
/// </para>
/// </summary>
static class HaloLoad
{
    public const int RowBytes = 32;

    /// <summary>Channels of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Channels(int elementBytes) => RowBytes / elementBytes;

    /// <summary>The place of a chunk of a voxel; <paramref name="line"/> = d height + h.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Place(int line, int w, int width, int chunk) =>
        (uint)(line * width * RowBytes) + Swizzle.Thin(w, chunk);

    /// <summary>
    /// Loads <c>depth x height x width</c> voxels from the place <paramref name="first"/> on, which may lie outside.
    /// Height and width are constants of the caller.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TElement>(
        SharedBytes shared, uint at, VolumeOperand x, VoxelPlace first, int depth, int height, int width, int thread,
        int threads) where TElement : struct, IHaloElement
    {
        if (x.HasPackets != 0)
            Run<PacketInput, TElement>(shared, at, x, first, depth, height, width, thread, threads);
        else
            Run<ElementInput, TElement>(shared, at, x, first, depth, height, width, thread, threads);
    }

    static void Run<TInput, TElement>(
        SharedBytes shared, uint at, VolumeOperand x, VoxelPlace first, int depth, int height, int width, int thread,
        int threads) where TInput : struct, IConvolutionInput where TElement : struct, IHaloElement
    {
        int row = x.Size.W * x.Channels, items = depth * height * width * (Channels(TElement.Bytes) / 4);
        long voxel = (((long)first.Batch * x.Size.D + first.D) * x.Size.H + first.H) * x.Size.W + first.W;
        var box = new HaloBox
        {
            At = at,
            Source = x.Address + (voxel * x.Channels + first.Channel) * sizeof(float),
            First = first,
            Size = x.Size,
            Channels = x.Channels,
            Row = row,
            Plane = x.Size.H * row,
            Height = height,
            Width = width,
            Items = items,
        };
        for (int item = thread; item < items; item += 8 * threads)
        {
            HaloItem i0 = HaloBox.Load<TInput, TElement>(box, item);
            HaloItem i1 = HaloBox.Load<TInput, TElement>(box, item + threads);
            HaloItem i2 = HaloBox.Load<TInput, TElement>(box, item + 2 * threads);
            HaloItem i3 = HaloBox.Load<TInput, TElement>(box, item + 3 * threads);
            HaloItem i4 = HaloBox.Load<TInput, TElement>(box, item + 4 * threads);
            HaloItem i5 = HaloBox.Load<TInput, TElement>(box, item + 5 * threads);
            HaloItem i6 = HaloBox.Load<TInput, TElement>(box, item + 6 * threads);
            HaloItem i7 = HaloBox.Load<TInput, TElement>(box, item + 7 * threads);
            TElement.Store(shared, i0.Place, i0.Value);
            if (item + threads < items) TElement.Store(shared, i1.Place, i1.Value);
            if (item + 2 * threads < items) TElement.Store(shared, i2.Place, i2.Value);
            if (item + 3 * threads < items) TElement.Store(shared, i3.Place, i3.Value);
            if (item + 4 * threads < items) TElement.Store(shared, i4.Place, i4.Value);
            if (item + 5 * threads < items) TElement.Store(shared, i5.Place, i5.Value);
            if (item + 6 * threads < items) TElement.Store(shared, i6.Place, i6.Value);
            if (item + 7 * threads < items) TElement.Store(shared, i7.Place, i7.Value);
        }
    }
}

/// <summary>Four channels on their way, and where they go.</summary>
struct HaloItem
{
    public Float4 Value;
    public uint Place;
}

/// <summary>The box of <see cref="HaloLoad"/>; items are its packets, voxel by voxel.</summary>
struct HaloBox
{
    public uint At;

    /// <summary>Address of the first packet.</summary>
    public long Source;
    public VoxelPlace First;
    public Extent Size;

    /// <summary>Elements from voxel to voxel, from line to line and from plane to plane of the volume.</summary>
    public int Channels, Row, Plane;
    public int Height, Width, Items;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloItem Load<TInput, TElement>(HaloBox box, int item)
        where TInput : struct, IConvolutionInput where TElement : struct, IHaloElement
    {
        int packets = HaloLoad.Channels(TElement.Bytes) / 4, voxel = item >> Tile.Log2(packets);
        int packet = item & packets - 1, line = voxel / box.Width, w = voxel - line * box.Width;
        int d = line / box.Height, h = line - d * box.Height, offset = packet * 4 * TElement.Bytes;
        bool isInside = item < box.Items & (uint)(box.First.D + d) < (uint)box.Size.D
            & (uint)(box.First.H + h) < (uint)box.Size.H & (uint)(box.First.W + w) < (uint)box.Size.W;
        long elements = Ptx.MultiplyAddWide(d, box.Plane, (long)(h * box.Row + w * box.Channels + packet * 4));
        return new HaloItem
        {
            Value = TInput.Load(
                box.Source + elements * sizeof(float),
                isInside ? box.Channels - box.First.Channel - packet * 4 : 0),
            Place = box.At + HaloLoad.Place(line, w, box.Width, offset >> 4) + (uint)(offset & 15),
        };
    }
}
