using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OneChannelForward"/>.</summary>
struct OneChannelArguments
{
    public OneChannelTile Tile;
    public long X, W, Bias, Y;

    public int KernelW, Channels;

    /// <summary>Four output channels are a quad; 2^LogLanes threads side by side take them in turn.</summary>
    public int Quads, LogLanes;

    /// <summary>Runs of eight outputs along W of a tile; chunks of taps along W.</summary>
    public Divisor Groups;
    public int Chunks;

    /// <summary>Padded taps of a chunked row, and padded output channels, of the weights in shared memory.</summary>
    public Divisor PaddedTaps, PaddedChannels;

    /// <summary>1 where outputs can be stored 16 bytes at a time.</summary>
    public int Packed;

    /// <summary>Where blocks leave statistics of their outputs.</summary>
    public long Moments;
    public int Blocks, WeightBytes;
}

/// <summary>
/// How many taps along W a thread takes at a time; with them its eight outputs read 8 + Taps - 1 inputs.
/// </summary>
interface IRowTaps
{
    static abstract int Taps { get; }
}

/// <summary>Kernels of at most 3 along W.</summary>
readonly struct ThreeTaps : IRowTaps
{
    public static int Taps => 3;
}

/// <summary>Any kernel, padded with zeros to a multiple of 4.</summary>
readonly struct FourTaps : IRowTaps
{
    public static int Taps => 4;
}

/// <summary>Whether outputs are measured as they are stored.</summary>
interface IMeasuring
{
    static abstract bool Measures { get; }
}

/// <summary>They are not.</summary>
readonly struct Unmeasured : IMeasuring
{
    public static bool Measures => false;
}

/// <summary>Each block leaves count, mean and squared deviations of each channel (<see cref="OutputMoments"/>).</summary>
readonly struct Measured : IMeasuring
{
    public static bool Measures => true;
}

/// <summary>Four output channels of eight neighbours along W.</summary>
struct EightVoxels(Float4 value)
{
    public Float4 V0 = value, V1 = value, V2 = value, V3 = value, V4 = value, V5 = value, V6 = value, V7 = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightVoxels AddTap(
        EightVoxels sums, Float4 weights, float x0, float x1, float x2, float x3, float x4, float x5, float x6,
        float x7)
    {
        sums.V0 = Float4.AddProduct(sums.V0, x0, weights);
        sums.V1 = Float4.AddProduct(sums.V1, x1, weights);
        sums.V2 = Float4.AddProduct(sums.V2, x2, weights);
        sums.V3 = Float4.AddProduct(sums.V3, x3, weights);
        sums.V4 = Float4.AddProduct(sums.V4, x4, weights);
        sums.V5 = Float4.AddProduct(sums.V5, x5, weights);
        sums.V6 = Float4.AddProduct(sums.V6, x6, weights);
        sums.V7 = Float4.AddProduct(sums.V7, x7, weights);
        return sums;
    }

    /// <summary>The sum of the first <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Sum(EightVoxels v, int count) =>
        OrZero(v.V0, true) + OrZero(v.V1, count > 1) + (OrZero(v.V2, count > 2) + OrZero(v.V3, count > 3))
        + (OrZero(v.V4, count > 4) + OrZero(v.V5, count > 5) + (OrZero(v.V6, count > 6) + OrZero(v.V7, count > 7)));

    /// <summary>Their squared distances from a mean, added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Squares(EightVoxels v, FourLanes mean, int count)
    {
        FourLanes d0 = new FourLanes(v.V0) - mean, sum = d0 * d0;
        sum = AddSquare(sum, v.V1, mean, count > 1);
        sum = AddSquare(sum, v.V2, mean, count > 2);
        sum = AddSquare(sum, v.V3, mean, count > 3);
        sum = AddSquare(sum, v.V4, mean, count > 4);
        sum = AddSquare(sum, v.V5, mean, count > 5);
        sum = AddSquare(sum, v.V6, mean, count > 6);
        return AddSquare(sum, v.V7, mean, count > 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes AddSquare(FourLanes sum, Float4 value, FourLanes mean, bool isThere)
    {
        FourLanes d = new FourLanes(value) - mean;
        d = OrZero(new Float4(d.X.Value, d.Y.Value, d.Z.Value, d.W.Value), isThere);
        return FourLanes.MultiplyAdd(d, d, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes OrZero(Float4 value, bool isThere) => new(new Float4(
        isThere ? value.X : 0f, isThere ? value.Y : 0f, isThere ? value.Z : 0f, isThere ? value.W : 0f));
}

/// <summary>
/// Convolution of one input channel, stride 1: a network's first layer. Too few channels for tensor cores, and bound by
/// memory without them: <c>4 + 4 Cout</c> bytes and <c>2 taps Cout</c> FLOP an output voxel. For 3x3x3 to 16 channels
/// at 4 x 112x112x80: 273 MB, 64 us at 4.3 TB/s; 3.5 GFLOP, 52 us at 67 TFLOP/s, so that the sums have to be tight too.
/// <code>
///   a thread: 8 neighbours along W x 4 output channels = 32 sums
///   a row of 3 taps: 96 multiply-adds for 3 loads of inputs and 3 of weights, 16 bytes each, from shared memory
///   lanes: Cout / 4 side by side, so that a voxel's channels leave as one run of 4 Cout bytes
/// </code>
/// float32 in every precision. Measuring what it stores takes two passes over registers, a sixth of its instructions
/// for 3x3x3, and spares a norm's pass over 4 Cout bytes.
/// </summary>
static class OneChannelForward
{
    const int SharedBytes = 48 << 10, Voxels = 8, MostGroups = 16, DeepestTile = 4;

    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    static readonly Kernel<OneChannelArguments>[] Three =
    [
        Kernel("convolution_one_channel_3", Run<NoActivation, ThreeTaps, Unmeasured>),
        Kernel("convolution_one_channel_3_relu", Run<Relu, ThreeTaps, Unmeasured>),
        Kernel("convolution_one_channel_3_gelu", Run<Gelu, ThreeTaps, Unmeasured>),
    ];

    static readonly Kernel<OneChannelArguments>[] Any =
    [
        Kernel("convolution_one_channel", Run<NoActivation, FourTaps, Unmeasured>),
        Kernel("convolution_one_channel_relu", Run<Relu, FourTaps, Unmeasured>),
        Kernel("convolution_one_channel_gelu", Run<Gelu, FourTaps, Unmeasured>),
    ];

    static readonly Kernel<OneChannelArguments> Measuring =
        Kernel("convolution_one_channel_3_measured", Run<NoActivation, ThreeTaps, Measured>);

    static Kernel<OneChannelArguments> Kernel(string name, Action<OneChannelArguments> body) =>
        new(name, body) { SharedBytes = SharedBytes, BlocksPerMultiprocessor = 3 };

    /// <summary>Launches it if it takes this shape; returns whether it does.</summary>
    public static bool Launch(
        GpuDevice gpu, ConvolutionShape shape, View x, View w, View bias, View y, Activation activation)
    {
        if (Arguments(gpu, shape) is not { } arguments) return false;
        Launch(gpu, (IsThree(shape) ? Three : Any)[(int)activation], arguments, x, w, bias, y);
        return true;
    }

    /// <summary>
    /// How many blocks would leave statistics of what they store; 0 where it does not measure: kernels of more than 3
    /// along W, or more output channels than a warp's lanes take at once.
    /// </summary>
    public static int MeasuringBlocks(GpuDevice gpu, ConvolutionShape shape) =>
        IsThree(shape) && shape.OutChannels <= 4 * BlockReduce.WarpSize
            ? Arguments(gpu, shape, QuadMoments.Bytes)?.Blocks ?? 0
            : 0;

    /// <summary>Launches it for a shape that it measures; blocks leave their moments.</summary>
    public static void Measure(
        GpuDevice gpu, ConvolutionShape shape, View x, View w, View bias, View y, View moments) =>
        Launch(
            gpu, Measuring, Arguments(gpu, shape, QuadMoments.Bytes)!.Value with { Moments = moments.Address }, x, w, bias, y);

    static void Launch(
        GpuDevice gpu, Kernel<OneChannelArguments> kernel, OneChannelArguments arguments, View x, View w, View bias,
        View y)
    {
        (arguments.X, arguments.W, arguments.Bias, arguments.Y) = (x.Address, w.Address, bias.Address, y.Address);
        arguments.Packed = arguments.Channels % 4 == 0 && y.Address % 16 == 0 ? 1 : 0;
        gpu.Launch(kernel, arguments, arguments.Blocks);
    }

    static bool IsThree(ConvolutionShape shape) => shape.Kernel.W <= ThreeTaps.Taps;

    /// <summary>
    /// All but the addresses, with so many bytes of shared memory left for each thread; null for shapes that it does
    /// not take.
    /// </summary>
    static OneChannelArguments? Arguments(GpuDevice gpu, ConvolutionShape shape, int bytesOfThread = 0)
    {
        if (shape.InChannels != 1 || shape.Stride != new Extent(1, 1, 1)) return null;
        bool isThree = IsThree(shape);
        int quads = Parts(shape.OutChannels, 4), chunks = isThree ? 1 : Parts(shape.Kernel.W, FourTaps.Taps);
        int taps = isThree ? ThreeTaps.Taps : chunks * FourTaps.Taps;
        int lanes = (int)Math.Min(BlockReduce.WarpSize, BitOperations.RoundUpToPowerOf2((uint)quads));
        int weightBytes = shape.Kernel.D * shape.Kernel.H * taps * quads * 16;
        int threads = gpu.BlockSize(Measuring), teams = threads / lanes;
        int tileBytes = SharedBytes - weightBytes - threads * bytesOfThread;
        int groups = Math.Min(Math.Min(Parts(shape.Output.W, Voxels), teams), MostGroups);
        var tile = new Extent(
            Math.Min(shape.Output.D, DeepestTile), Math.Min(shape.Output.H, teams / groups), groups * Voxels);
        var box = new OneChannelTile(shape, tile, tile.W + 4 * chunks);
        while (box.Bytes > tileBytes && tile is not { D: 1, H: 1 })
        {
            tile = tile.D > 1 ? tile with { D = tile.D - 1 } : tile with { H = tile.H - 1 };
            box = new OneChannelTile(shape, tile, tile.W + 4 * chunks);
        }
        if (box.Bytes > tileBytes) return null;
        return new OneChannelArguments
        {
            Tile = box,
            KernelW = shape.Kernel.W,
            Channels = shape.OutChannels,
            Quads = quads,
            LogLanes = BitOperations.Log2((uint)lanes),
            Groups = new Divisor(groups),
            Chunks = chunks,
            PaddedTaps = new Divisor(taps),
            PaddedChannels = new Divisor(quads * 4),
            WeightBytes = weightBytes,
            Blocks = checked((int)(shape.Batch * box.TilesOf.Voxels)),
        };
    }

    static void Run<TActivation, TTaps, TMeasuring>(OneChannelArguments a)
        where TActivation : struct, IActivation where TTaps : struct, IRowTaps where TMeasuring : struct, IMeasuring
    {
        var shared = Cuda.SharedBytes.Dynamic();
        uint weights = (uint)a.Tile.Bytes;
        VoxelPlace tile = VoxelGrid.Locate(a.Tile.Tiles, Grid.IdxX);
        OneChannelTile.Fetch(shared, 0, a.Tile, a.X, tile, 0);
        FetchWeights(shared, weights, a);
        Ptx.WaitForCopies();
        Group.Barrier();

        int lane = Group.IdxX & (1 << a.LogLanes) - 1, team = Group.IdxX >> a.LogLanes;
        int row = team / a.Groups, group = team - row * a.Groups.Value;
        int h = tile.H * a.Tile.TileH + row, w = tile.W * a.Tile.TileW + group * Voxels;
        bool isOutside = row >= a.Tile.TileH || h >= a.Tile.Output.H || w >= a.Tile.Output.W;
        if (isOutside && !TMeasuring.Measures) return;
        int firstD = tile.D * a.Tile.TileD, planes = Ptx.Min(a.Tile.TileD, a.Tile.Output.D - firstD);
        if (TMeasuring.Measures && isOutside) planes = 0;
        uint slot = TMeasuring.Measures ? weights + (uint)a.WeightBytes + (uint)Group.IdxX * QuadMoments.Bytes : 0;
        uint rowBytes = (uint)a.Tile.RowFloats * 4, planeBytes = (uint)a.Tile.RowsOfPlane.Value * rowBytes;
        uint input = (uint)row * rowBytes + (uint)group * (Voxels * 4);
        for (int d = 0; d < planes; d++, input += planeBytes)
        {
            long line = ((long)tile.Batch * a.Tile.Output.D + firstD + d) * a.Tile.Output.H + h;
            long output = a.Y + (line * a.Tile.Output.W + w) * a.Channels * 4;
            for (int quad = lane; quad < a.Quads; quad += 1 << a.LogLanes)
            {
                int channels = a.Channels - 4 * quad;
                FourLanes bias = a.Bias == 0
                    ? FourLanes.Splat(0)
                    : ColumnPacket.LoadSome(a.Bias + 16L * quad, channels);
                EightVoxels sums = Sum<TTaps>(
                    shared, new(new(bias.X.Value, bias.Y.Value, bias.Z.Value, bias.W.Value)), input, rowBytes,
                    planeBytes, weights + (uint)quad * 16, a);
                long at = output + 16L * quad, next = 4L * a.Channels;
                int count = a.Packed != 0 ? 4 : channels, left = a.Tile.Output.W - w;
                Store<TActivation>(at, a.Packed, count, sums.V0);
                if (left > 1) Store<TActivation>(at + next, a.Packed, count, sums.V1);
                if (left > 2) Store<TActivation>(at + 2 * next, a.Packed, count, sums.V2);
                if (left > 3) Store<TActivation>(at + 3 * next, a.Packed, count, sums.V3);
                if (left > 4) Store<TActivation>(at + 4 * next, a.Packed, count, sums.V4);
                if (left > 5) Store<TActivation>(at + 5 * next, a.Packed, count, sums.V5);
                if (left > 6) Store<TActivation>(at + 6 * next, a.Packed, count, sums.V6);
                if (left > 7) Store<TActivation>(at + 7 * next, a.Packed, count, sums.V7);
                if (TMeasuring.Measures) QuadMoments.Add(shared, slot, d, sums, Ptx.Min(left, Voxels));
            }
        }
        if (!TMeasuring.Measures) return;
        int voxels = Ptx.Min(a.Tile.TileW, a.Tile.Output.W - tile.W * a.Tile.TileW)
            * Ptx.Min(a.Tile.TileH, a.Tile.Output.H - tile.H * a.Tile.TileH)
            * Ptx.Min(a.Tile.TileD, a.Tile.Output.D - firstD);
        int own = lane < a.Quads ? planes * Ptx.Min(a.Tile.Output.W - w, Voxels) : 0;
        QuadMoments.Write(shared, slot, own, a.Moments, a.Blocks, voxels, a.Channels, 1 << a.LogLanes);
    }

    /// <summary>The weights as rows (kd, kh) of taps of quads, zeros where there is no tap or channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static unsafe void FetchWeights(SharedBytes shared, uint target, OneChannelArguments a)
    {
        float* source = (float*)a.W;
        int count = a.Tile.KernelD * a.Tile.KernelH * a.PaddedTaps.Value * a.PaddedChannels.Value;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            int place = i / a.PaddedChannels, channel = i - place * a.PaddedChannels.Value;
            int row = place / a.PaddedTaps, tap = place - row * a.PaddedTaps.Value;
            bool inside = tap < a.KernelW && channel < a.Channels;
            shared.Store(
                target + (uint)i * 4, inside ? source[(row * a.KernelW + tap) * a.Channels + channel] : 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static EightVoxels Sum<TTaps>(
        SharedBytes shared, EightVoxels sums, uint plane, uint rowBytes, uint planeBytes, uint weights,
        OneChannelArguments a) where TTaps : struct, IRowTaps
    {
        uint tapBytes = (uint)a.Quads * 16;
        for (int kd = 0; kd < a.Tile.KernelD; kd++, plane += planeBytes)
        {
            uint row = plane;
            for (int kh = 0; kh < a.Tile.KernelH; kh++, row += rowBytes)
            {
                uint input = row;
                for (int chunk = 0; chunk < a.Chunks; chunk++, input += 16)
                {
                    Float4 p = shared.Load4(input), q = shared.Load4(input + 16), r = shared.Load4(input + 32);
                    sums = EightVoxels.AddTap(
                        sums, shared.Load4(weights), p.X, p.Y, p.Z, p.W, q.X, q.Y, q.Z, q.W);
                    sums = EightVoxels.AddTap(
                        sums, shared.Load4(weights + tapBytes), p.Y, p.Z, p.W, q.X, q.Y, q.Z, q.W, r.X);
                    sums = EightVoxels.AddTap(
                        sums, shared.Load4(weights + 2 * tapBytes), p.Z, p.W, q.X, q.Y, q.Z, q.W, r.X, r.Y);
                    if (TTaps.Taps == 4)
                    {
                        sums = EightVoxels.AddTap(
                            sums, shared.Load4(weights + 3 * tapBytes), p.W, q.X, q.Y, q.Z, q.W, r.X, r.Y, r.Z);
                    }
                    weights += (uint)TTaps.Taps * tapBytes;
                }
            }
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TActivation>(long address, int packed, int count, Float4 sums)
        where TActivation : struct, IActivation
    {
        FourLanes y = TActivation.Apply(new FourLanes(sums));
        if (packed != 0)
            y.StoreTo(address);
        else
            ColumnPacket.StoreSome(address, count, y);
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
