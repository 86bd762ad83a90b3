using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="PointwiseHead"/>.</summary>
struct HeadArguments
{
    public VolumeOperand X;
    public long W, Bias;

    /// <summary>y, or dy.</summary>
    public long Y;

    /// <summary>Where blocks leave their part of the weight gradient, <c>[blocks, Channels, Outputs]</c>.</summary>
    public long Partials;

    public int Outputs;

    /// <summary>2^LogLanes threads side by side make a voxel, four channels each.</summary>
    public int LogLanes;

    /// <summary>Voxels of a sample; they are cut into pieces, a block each.</summary>
    public int Voxels, PieceVoxels;
    public Divisor Pieces;
}

/// <summary>Outputs that a thread has registers for.</summary>
interface IHeadWidth
{
    /// <summary>2, 4 or 8.</summary>
    static abstract int Most { get; }
}

/// <summary>Object and background.</summary>
readonly struct TwoOutputs : IHeadWidth
{
    public static int Most => 2;
}

/// <summary>Up to 4.</summary>
readonly struct FourOutputs : IHeadWidth
{
    public static int Most => 4;
}

/// <summary>Up to 8.</summary>
readonly struct EightOutputs : IHeadWidth
{
    public static int Most => 8;
}

/// <summary>A number for each output of a voxel.</summary>
struct HeadValues
{
    public float V0, V1, V2, V3, V4, V5, V6, V7;

    /// <summary>The first <paramref name="count"/> at an address, then zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadValues Load<TWidth>(long address, int count) where TWidth : struct, IHeadWidth
    {
        HeadValues v = default;
        v.V0 = Ptx.LoadOrZero(address, count > 0);
        v.V1 = Ptx.LoadOrZero(address + 4, count > 1);
        if (TWidth.Most > 2) v.V2 = Ptx.LoadOrZero(address + 8, count > 2);
        if (TWidth.Most > 2) v.V3 = Ptx.LoadOrZero(address + 12, count > 3);
        if (TWidth.Most > 4) v.V4 = Ptx.LoadOrZero(address + 16, count > 4);
        if (TWidth.Most > 4) v.V5 = Ptx.LoadOrZero(address + 20, count > 5);
        if (TWidth.Most > 4) v.V6 = Ptx.LoadOrZero(address + 24, count > 6);
        if (TWidth.Most > 4) v.V7 = Ptx.LoadOrZero(address + 28, count > 7);
        return v;
    }

    /// <summary>Adds those of the lane whose number differs in this bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadValues AddOther<TWidth>(HeadValues v, int bit) where TWidth : struct, IHeadWidth
    {
        v.V0 += Warp.ShuffleXor(v.V0, bit);
        v.V1 += Warp.ShuffleXor(v.V1, bit);
        if (TWidth.Most > 2) v.V2 += Warp.ShuffleXor(v.V2, bit);
        if (TWidth.Most > 2) v.V3 += Warp.ShuffleXor(v.V3, bit);
        if (TWidth.Most > 4) v.V4 += Warp.ShuffleXor(v.V4, bit);
        if (TWidth.Most > 4) v.V5 += Warp.ShuffleXor(v.V5, bit);
        if (TWidth.Most > 4) v.V6 += Warp.ShuffleXor(v.V6, bit);
        if (TWidth.Most > 4) v.V7 += Warp.ShuffleXor(v.V7, bit);
        return v;
    }

    /// <summary>Stores every <paramref name="between"/>th from <paramref name="first"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store<TWidth>(HeadValues v, long address, int first, int between, int count)
        where TWidth : struct, IHeadWidth
    {
        for (int output = first; output < count; output += between)
        {
            float value = output == 1 ? v.V1 : v.V0;
            if (TWidth.Most > 2) value = output == 2 ? v.V2 : value;
            if (TWidth.Most > 2) value = output == 3 ? v.V3 : value;
            if (TWidth.Most > 4) value = output == 4 ? v.V4 : value;
            if (TWidth.Most > 4) value = output == 5 ? v.V5 : value;
            if (TWidth.Most > 4) value = output == 6 ? v.V6 : value;
            if (TWidth.Most > 4) value = output == 7 ? v.V7 : value;
            ((float*)address)[output] = value;
        }
    }
}

/// <summary>Weights of a thread's four channels for each output, or their gradients.</summary>
struct HeadWeights
{
    public FourLanes O0, O1, O2, O3, O4, O5, O6, O7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadWeights Load<TWidth>(HeadArguments a, int channel) where TWidth : struct, IHeadWidth
    {
        HeadWeights w = default;
        w.O0 = Load(a, channel, 0);
        w.O1 = Load(a, channel, 1);
        if (TWidth.Most > 2) (w.O2, w.O3) = (Load(a, channel, 2), Load(a, channel, 3));
        if (TWidth.Most > 4) (w.O4, w.O5) = (Load(a, channel, 4), Load(a, channel, 5));
        if (TWidth.Most > 4) (w.O6, w.O7) = (Load(a, channel, 6), Load(a, channel, 7));
        return w;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Load(HeadArguments a, int channel, int output)
    {
        long row = (long)a.Outputs * sizeof(float), address = a.W + channel * row + output * sizeof(float);
        bool isThere = output < a.Outputs;
        return new FourLanes(new Float4(
            Ptx.LoadOrZero(address, isThere), Ptx.LoadOrZero(address + row, isThere),
            Ptx.LoadOrZero(address + 2 * row, isThere), Ptx.LoadOrZero(address + 3 * row, isThere)));
    }

    /// <summary>sums + x w over these channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadValues AddProducts<TWidth>(HeadWeights w, Float4 x, HeadValues sums)
        where TWidth : struct, IHeadWidth
    {
        sums.V0 = AddProduct(w.O0, x, sums.V0);
        sums.V1 = AddProduct(w.O1, x, sums.V1);
        if (TWidth.Most > 2) sums.V2 = AddProduct(w.O2, x, sums.V2);
        if (TWidth.Most > 2) sums.V3 = AddProduct(w.O3, x, sums.V3);
        if (TWidth.Most > 4) sums.V4 = AddProduct(w.O4, x, sums.V4);
        if (TWidth.Most > 4) sums.V5 = AddProduct(w.O5, x, sums.V5);
        if (TWidth.Most > 4) sums.V6 = AddProduct(w.O6, x, sums.V6);
        if (TWidth.Most > 4) sums.V7 = AddProduct(w.O7, x, sums.V7);
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float AddProduct(FourLanes w, Float4 x, float sum) => Ptx.MultiplyAdd(
        x.W, w.W.Value, Ptx.MultiplyAdd(x.Z, w.Z.Value, Ptx.MultiplyAdd(x.Y, w.Y.Value, Ptx.MultiplyAdd(
            x.X, w.X.Value, sum))));

    /// <summary>The gradients with those of another voxel, x dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadWeights AddGradients<TWidth>(HeadWeights w, Float4 x, HeadValues dy)
        where TWidth : struct, IHeadWidth
    {
        var four = new FourLanes(x);
        w.O0 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V0), w.O0);
        w.O1 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V1), w.O1);
        if (TWidth.Most > 2) w.O2 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V2), w.O2);
        if (TWidth.Most > 2) w.O3 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V3), w.O3);
        if (TWidth.Most > 4) w.O4 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V4), w.O4);
        if (TWidth.Most > 4) w.O5 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V5), w.O5);
        if (TWidth.Most > 4) w.O6 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V6), w.O6);
        if (TWidth.Most > 4) w.O7 = FourLanes.MultiplyAdd(four, FourLanes.Splat(dy.V7), w.O7);
        return w;
    }
}

/// <summary>A thread's channels of its voxels: every so many of a piece, of one sample.</summary>
struct HeadThread
{
    public int Lane, Lanes;

    /// <summary>The sample's constants of these channels.</summary>
    public NormalizedInput Input;

    /// <summary>The first voxel, how many the block has at once, and what all threads of a block count alike.</summary>
    public int Voxel, Between, Left;

    /// <summary>Addresses of the first voxel's channels and outputs, and bytes from one to the next.</summary>
    public long X, Y, NextX, NextY;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadThread Of(HeadArguments a)
    {
        int lanes = 1 << a.LogLanes, lane = Group.IdxX & lanes - 1, own = Group.IdxX >> a.LogLanes;
        int sample = Grid.IdxX / a.Pieces, first = (Grid.IdxX - sample * a.Pieces.Value) * a.PieceVoxels;
        int between = Group.DimX >> a.LogLanes, channel = lane * FourLanes.Width;
        long voxel = (long)sample * a.Voxels + first + own;
        return new HeadThread
        {
            Lane = lane,
            Lanes = lanes,
            Input = NormalizedInput.Of(a.X, sample, channel),
            Voxel = own,
            Between = between,
            Left = Ptx.Min(a.PieceVoxels, a.Voxels - first),
            X = a.X.Address + (voxel * a.X.Channels + channel) * sizeof(float),
            Y = a.Y + voxel * a.Outputs * sizeof(float),
            NextX = (long)between * a.X.Channels * sizeof(float),
            NextY = (long)between * a.Outputs * sizeof(float),
        };
    }
}

/// <summary>
/// A network's head: a convolution of one voxel with few outputs, of relu(norm x), in float32 whatever the precision.
/// <code>
///   y[v, o] = bias[o] + sum over c: relu(norm x)[v, c] w[c, o]      dw[c, o] = sum over v: relu(norm x)[v, c] dy[v, o]
/// </code>
/// <c>4 (C + O)</c> bytes and <c>2 C O</c> FLOP a voxel, at most 4 FLOP/B: x is read once, as it was stored, and bounds
/// it. A thread keeps four channels, with their constants and weights (or sums of gradients) in registers, and has four
/// voxels on their way; C / 4 threads side by side add up a voxel's outputs. 16 channels and 2 outputs at
/// 4 x 112x112x80: 289 MB, 67 us at 4.3 TB/s.
/// </summary>
static unsafe class PointwiseHead
{
    /// <summary>Voxels that a thread has on their way.</summary>
    const int AtOnce = 4;

    const int MostOutputs = 8, MostChannels = 64, MostLanes = MostChannels / 4;

    /// <summary>
    /// Of a large GPU, which all blocks should fill once; and rounds that a block has at least, so that it has not more
    /// to do around its voxels than with them.
    /// </summary>
    const int Multiprocessors = 132, FewestRounds = 2;

    /// <summary>For 2, 4 and 8 outputs.</summary>
    static readonly Kernel<HeadArguments>[] ForwardKernels =
    [
        new("convolution_head_2", Forward<TwoOutputs>) { BlocksPerMultiprocessor = 4 },
        new("convolution_head_4", Forward<FourOutputs>) { BlocksPerMultiprocessor = 3 },
        new("convolution_head_8", Forward<EightOutputs>) { BlocksPerMultiprocessor = 2 },
    ];

    static readonly Kernel<HeadArguments>[] WeightGradientKernels =
    [
        WeightGradientKernel("convolution_head_2_weight_gradient", WeightGradient<TwoOutputs>, 4),
        WeightGradientKernel("convolution_head_4_weight_gradient", WeightGradient<FourOutputs>, 3),
        WeightGradientKernel("convolution_head_8_weight_gradient", WeightGradient<EightOutputs>, 2),
    ];

    static Kernel<HeadArguments> WeightGradientKernel(string name, Action<HeadArguments> body, int blocks) =>
        new(name, body) { BlocksPerMultiprocessor = blocks, SharedBytes = 256 / BlockReduce.WarpSize * MostLanes * 16 };

    /// <summary>Whether it takes this convolution: up to 8 outputs of 4, 8, 16, 32 or 64 channels.</summary>
    public static bool Takes(ConvolutionShape s) =>
        s.IsPointwise && s.OutChannels <= MostOutputs && s.InChannels is >= 4 and <= MostChannels
        && BitOperations.IsPow2(s.InChannels) && s.Output.Voxels <= int.MaxValue / s.InChannels;

    /// <summary>y = relu(norm x) * w + bias</summary>
    public static void Forward(GpuDevice gpu, ConvolutionShape s, NormalizedView x, View w, View bias, View y)
    {
        Kernel<HeadArguments> kernel = ForwardKernels[WidthOf(s)];
        HeadArguments arguments = Arguments(gpu, kernel, s, x, y);
        (arguments.W, arguments.Bias) = (w.Address, bias.Address);
        gpu.Launch(kernel, arguments, checked(s.Batch * arguments.Pieces.Value));
    }

    /// <summary>dw of relu(norm x)</summary>
    public static void WeightGradient(GpuDevice gpu, ConvolutionShape s, NormalizedView x, View dy, View dw)
    {
        Kernel<HeadArguments> kernel = WeightGradientKernels[WidthOf(s)];
        HeadArguments arguments = Arguments(gpu, kernel, s, x, dy);
        int blocks = checked(s.Batch * arguments.Pieces.Value);
        DeviceBuffer partials = gpu.Pool.Rent(blocks * dw.Count * sizeof(float));
        arguments.Partials = partials.Address;
        gpu.Launch(kernel, arguments, blocks);
        gpu.Reduction.Sum(1, blocks, dw.Count, new View(partials.Address, blocks * dw.Count, DType.Float32), dw);
        partials.Release();
    }

    static int WidthOf(ConvolutionShape s) => s.OutChannels > 4 ? 2 : s.OutChannels > 2 ? 1 : 0;

    static HeadArguments Arguments(GpuDevice gpu, Kernel kernel, ConvolutionShape s, NormalizedView x, View y)
    {
        int logLanes = BitOperations.Log2((uint)(s.InChannels / FourLanes.Width)), voxels = (int)s.Output.Voxels;
        int round = AtOnce * (gpu.BlockSize(kernel) >> logLanes);
        int wanted = Math.Max(Multiprocessors * kernel.BlocksPerMultiprocessor / s.Batch, 1);
        int rounds = Math.Max(Parts(Parts(voxels, round), wanted), FewestRounds);
        return new HeadArguments
        {
            X = VolumeOperand.Of(x.X, s.Input, s.InChannels, ChannelTable.Of(x)),
            Y = y.Address,
            Outputs = s.OutChannels,
            LogLanes = logLanes,
            Voxels = voxels,
            PieceVoxels = rounds * round,
            Pieces = new Divisor(Parts(voxels, rounds * round)),
        };
    }

    static int Parts(int whole, int part) => (whole - 1) / part + 1;

    static void Forward<TWidth>(HeadArguments a) where TWidth : struct, IHeadWidth
    {
        HeadThread t = HeadThread.Of(a);
        HeadWeights w = HeadWeights.Load<TWidth>(a, t.Lane * FourLanes.Width);
        HeadValues bias = HeadValues.Load<TWidth>(a.Bias, t.Lane == 0 & a.Bias != 0 ? a.Outputs : 0);
        for (int round = 0; round < t.Left; round += AtOnce * t.Between)
        {
            bool is0 = t.Voxel < t.Left, is1 = t.Voxel + t.Between < t.Left;
            bool is2 = t.Voxel + 2 * t.Between < t.Left, is3 = t.Voxel + 3 * t.Between < t.Left;
            Float4 x0 = Ptx.Load4OrZeros(t.X, is0), x1 = Ptx.Load4OrZeros(t.X + t.NextX, is1);
            Float4 x2 = Ptx.Load4OrZeros(t.X + 2 * t.NextX, is2), x3 = Ptx.Load4OrZeros(t.X + 3 * t.NextX, is3);
            HeadValues y0 = HeadWeights.AddProducts<TWidth>(w, NormalizedInput.Finish(t.Input, x0), bias);
            HeadValues y1 = HeadWeights.AddProducts<TWidth>(w, NormalizedInput.Finish(t.Input, x1), bias);
            HeadValues y2 = HeadWeights.AddProducts<TWidth>(w, NormalizedInput.Finish(t.Input, x2), bias);
            HeadValues y3 = HeadWeights.AddProducts<TWidth>(w, NormalizedInput.Finish(t.Input, x3), bias);
            for (int bit = 1; bit < t.Lanes; bit *= 2)
            {
                y0 = HeadValues.AddOther<TWidth>(y0, bit);
                y1 = HeadValues.AddOther<TWidth>(y1, bit);
                y2 = HeadValues.AddOther<TWidth>(y2, bit);
                y3 = HeadValues.AddOther<TWidth>(y3, bit);
            }
            HeadValues.Store<TWidth>(y0, t.Y, t.Lane, t.Lanes, is0 ? a.Outputs : 0);
            HeadValues.Store<TWidth>(y1, t.Y + t.NextY, t.Lane, t.Lanes, is1 ? a.Outputs : 0);
            HeadValues.Store<TWidth>(y2, t.Y + 2 * t.NextY, t.Lane, t.Lanes, is2 ? a.Outputs : 0);
            HeadValues.Store<TWidth>(y3, t.Y + 3 * t.NextY, t.Lane, t.Lanes, is3 ? a.Outputs : 0);
            t.Voxel += AtOnce * t.Between;
            t.X += AtOnce * t.NextX;
            t.Y += AtOnce * t.NextY;
        }
    }

    static void WeightGradient<TWidth>(HeadArguments a) where TWidth : struct, IHeadWidth
    {
        var shared = SharedBytes.Dynamic();
        HeadThread t = HeadThread.Of(a);
        HeadWeights dw = default;
        for (; t.Voxel < t.Left; t.Voxel += AtOnce * t.Between)
        {
            bool is1 = t.Voxel + t.Between < t.Left;
            bool is2 = t.Voxel + 2 * t.Between < t.Left, is3 = t.Voxel + 3 * t.Between < t.Left;
            Float4 x0 = Ptx.Load4(t.X), x1 = Ptx.Load4OrZeros(t.X + t.NextX, is1);
            Float4 x2 = Ptx.Load4OrZeros(t.X + 2 * t.NextX, is2), x3 = Ptx.Load4OrZeros(t.X + 3 * t.NextX, is3);
            HeadValues dy0 = HeadValues.Load<TWidth>(t.Y, a.Outputs);
            HeadValues dy1 = HeadValues.Load<TWidth>(t.Y + t.NextY, is1 ? a.Outputs : 0);
            HeadValues dy2 = HeadValues.Load<TWidth>(t.Y + 2 * t.NextY, is2 ? a.Outputs : 0);
            HeadValues dy3 = HeadValues.Load<TWidth>(t.Y + 3 * t.NextY, is3 ? a.Outputs : 0);
            dw = HeadWeights.AddGradients<TWidth>(dw, NormalizedInput.Finish(t.Input, x0), dy0);
            dw = HeadWeights.AddGradients<TWidth>(dw, NormalizedInput.Finish(t.Input, x1), dy1);
            dw = HeadWeights.AddGradients<TWidth>(dw, NormalizedInput.Finish(t.Input, x2), dy2);
            dw = HeadWeights.AddGradients<TWidth>(dw, NormalizedInput.Finish(t.Input, x3), dy3);
            t.X += AtOnce * t.NextX;
            t.Y += AtOnce * t.NextY;
        }
        StoreTotal(shared, a, t, 0, dw.O0);
        StoreTotal(shared, a, t, 1, dw.O1);
        if (TWidth.Most > 2) StoreTotal(shared, a, t, 2, dw.O2);
        if (TWidth.Most > 2) StoreTotal(shared, a, t, 3, dw.O3);
        if (TWidth.Most > 4) StoreTotal(shared, a, t, 4, dw.O4);
        if (TWidth.Most > 4) StoreTotal(shared, a, t, 5, dw.O5);
        if (TWidth.Most > 4) StoreTotal(shared, a, t, 6, dw.O6);
        if (TWidth.Most > 4) StoreTotal(shared, a, t, 7, dw.O7);
    }

    /// <summary>Adds up the block's gradients for an output, and leaves them where the output exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreTotal(SharedBytes shared, HeadArguments a, HeadThread t, int output, FourLanes gradients)
    {
        FourLanes total = BlockReduce.SumOfLanes(shared, t.Lanes, gradients);
        if (Group.IdxX >= t.Lanes || output >= a.Outputs) return;
        float* partial = (float*)a.Partials + (long)Grid.IdxX * a.X.Channels * a.Outputs
            + t.Lane * FourLanes.Width * a.Outputs + output;
        partial[0] = total.X.Value;
        partial[a.Outputs] = total.Y.Value;
        partial[2 * a.Outputs] = total.Z.Value;
        partial[3 * a.Outputs] = total.W.Value;
    }
}
