using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

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
/// Neighbouring threads take neighbouring packets of four channels, 16 bytes of float32. First go the voxels of the
/// outputs' width, then the two columns of the halo, so that both are powers of two and a thread keeps its place on the
/// line: from line to line there are only additions. It has eight loads on their way before it stores the first, 16 KiB
/// a block of 128 threads.
/// </para>
/// </summary>
static class HaloLoad
{
    public const int RowBytes = 32;

    /// <summary>By how many voxels a box of inputs is wider than its outputs.</summary>
    public const int Halo = 2;

    /// <summary>Channels of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Channels(int elementBytes) => RowBytes / elementBytes;

    /// <summary>
    /// Loads a box of <paramref name="depth"/> x <paramref name="height"/> lines, each of <paramref name="width"/> (a
    /// power of two, like the threads) and <paramref name="halo"/> (0 or 2) voxels, from the voxel and channel
    /// <paramref name="first"/> on, which may lie outside. Line l of the box begins at <c>32 l (width + halo)</c>. All but the
    /// depth are constants of the caller.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TElement>(
        SharedBytes shared, uint at, VolumeOperand x, VoxelPlace first, int depth, int height, int width, int halo,
        int thread, int threads) where TElement : struct, IHaloElement
    {
        if (x.Constants.Address != 0)
            Run<NormalizedInput, TElement>(shared, at, x, first, depth, height, width, halo, thread, threads);
        else if (x.HasPackets != 0)
            Run<PacketInput, TElement>(shared, at, x, first, depth, height, width, halo, thread, threads);
        else
            Run<ElementInput, TElement>(shared, at, x, first, depth, height, width, halo, thread, threads);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Run<TInput, TElement>(
        SharedBytes shared, uint at, VolumeOperand x, VoxelPlace first, int depth, int height, int width, int halo,
        int thread, int threads)
        where TInput : struct, IConvolutionInput<TInput> where TElement : struct, IHaloElement
    {
        int packets = Channels(TElement.Bytes) / 4, most = threads / packets, columns = width < most ? width : most;
        var input = TInput.Of(x, first.Batch, first.Channel + 4 * (thread & packets - 1));
        for (int column = 0; column < width; column += columns)
        {
            Columns<TInput, TElement>(
                shared, input,
                HaloWalk.Begin(at, x, first, depth, height, column, columns, width + halo, thread, TElement.Bytes),
                height, columns, width + halo, threads);
        }
        if (halo == 0) return;
        Columns<TInput, TElement>(
            shared, input,
            HaloWalk.Begin(at, x, first, depth, height, width, halo, width + halo, thread, TElement.Bytes), height,
            halo, width + halo, threads);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Columns<TInput, TElement>(
        SharedBytes shared, TInput input, HaloWalk walk, int height, int columns, int width, int threads)
        where TInput : struct, IConvolutionInput<TInput> where TElement : struct, IHaloElement
    {
        int step = threads / (columns * Channels(TElement.Bytes) / 4);
        uint further = (uint)(step * width * RowBytes);
        while (walk.LinesLeft > 0)
        {
            uint at = walk.Place;
            int left = walk.LinesLeft;
            InputPacket p0 = HaloWalk.Load<TInput>(walk);
            walk = HaloWalk.Next(walk, step, height);
            InputPacket p1 = HaloWalk.Load<TInput>(walk);
            walk = HaloWalk.Next(walk, step, height);
            InputPacket p2 = HaloWalk.Load<TInput>(walk);
            walk = HaloWalk.Next(walk, step, height);
            InputPacket p3 = HaloWalk.Load<TInput>(walk);
            walk = HaloWalk.Next(walk, step, height);
            InputPacket p4 = default, p5 = default, p6 = default, p7 = default;
            if (TInput.AtOnce == 8)
            {
                p4 = HaloWalk.Load<TInput>(walk);
                walk = HaloWalk.Next(walk, step, height);
                p5 = HaloWalk.Load<TInput>(walk);
                walk = HaloWalk.Next(walk, step, height);
                p6 = HaloWalk.Load<TInput>(walk);
                walk = HaloWalk.Next(walk, step, height);
                p7 = HaloWalk.Load<TInput>(walk);
                walk = HaloWalk.Next(walk, step, height);
            }
            TElement.Store(shared, at, TInput.Finish(input, p0));
            if (left > step) TElement.Store(shared, at + further, TInput.Finish(input, p1));
            if (left > 2 * step) TElement.Store(shared, at + 2 * further, TInput.Finish(input, p2));
            if (left > 3 * step) TElement.Store(shared, at + 3 * further, TInput.Finish(input, p3));
            if (TInput.AtOnce == 8)
            {
                if (left > 4 * step) TElement.Store(shared, at + 4 * further, TInput.Finish(input, p4));
                if (left > 5 * step) TElement.Store(shared, at + 5 * further, TInput.Finish(input, p5));
                if (left > 6 * step) TElement.Store(shared, at + 6 * further, TInput.Finish(input, p6));
                if (left > 7 * step) TElement.Store(shared, at + 7 * further, TInput.Finish(input, p7));
            }
            walk.Place += (uint)TInput.AtOnce * further;
        }
    }
}

/// <summary>A thread's way down the lines of a box, at its voxel and packet of each line.</summary>
struct HaloWalk
{
    /// <summary>The thread's packet in the volume's line d = h = 0, and in shared memory.</summary>
    public long Source;
    public uint Place;

    /// <summary>The line's place in the volume, and the first that belongs to the box's next plane.</summary>
    public int D, H, EndH;

    /// <summary>Elements from line to line and from plane to plane of the volume.</summary>
    public int Row, Plane;
    public int Depth, Height;

    /// <summary>Lines of the box from this one on.</summary>
    public int LinesLeft;

    /// <summary>Channels that exist, from the thread's first on; 0 where its voxel is beside the volume.</summary>
    public int Channels;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloWalk Begin(
        uint at, VolumeOperand x, VoxelPlace first, int depth, int height, int column, int columns, int width,
        int thread, int elementBytes)
    {
        int packets = HaloLoad.Channels(elementBytes) / 4, packet = thread & packets - 1;
        int voxelOfBlock = thread >> Tile.Log2(packets);
        int w = column + (voxelOfBlock & columns - 1), line = voxelOfBlock >> Tile.Log2(columns);
        int d = line / height, byteInRow = packet * 4 * elementBytes, channel = first.Channel + packet * 4;
        long voxel = (long)first.Batch * x.Size.D * x.Size.H * x.Size.W + first.W + w;
        return new HaloWalk
        {
            Source = x.Address + (voxel * x.Channels + channel) * sizeof(float),
            Place = at + (uint)(line * width * HaloLoad.RowBytes) + Swizzle.Thin(w, byteInRow >> 4)
                + (uint)(byteInRow & 15),
            D = first.D + d,
            H = first.H + line - d * height,
            EndH = first.H + height,
            Row = x.Size.W * x.Channels,
            Plane = x.Size.H * x.Size.W * x.Channels,
            Depth = x.Size.D,
            Height = x.Size.H,
            LinesLeft = depth * height - line,
            Channels = (uint)(first.W + w) < (uint)x.Size.W ? x.Channels - channel : 0,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static InputPacket Load<TInput>(HaloWalk walk) where TInput : struct, IConvolutionInput<TInput>
    {
        bool isThere = (uint)walk.D < (uint)walk.Depth & (uint)walk.H < (uint)walk.Height & walk.Channels > 0
            & walk.LinesLeft > 0;
        int element = walk.D * walk.Plane + walk.H * walk.Row;
        return TInput.Load(Ptx.MultiplyAddWide(element, sizeof(float), walk.Source), isThere, walk.Channels);
    }

    /// <summary>Goes on by some lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloWalk Next(HaloWalk walk, int lines, int height)
    {
        int planes = lines / height, h = walk.H + lines - planes * height;
        bool isOver = h >= walk.EndH;
        walk.H = isOver ? h - height : h;
        walk.D += isOver ? planes + 1 : planes;
        walk.LinesLeft -= lines;
        return walk;
    }
}
