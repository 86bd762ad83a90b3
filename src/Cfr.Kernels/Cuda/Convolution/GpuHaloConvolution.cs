namespace Cfr.Kernels.Cuda;

/// <summary>
/// A convolution with stride 1, or the input gradient of one, which is a convolution of dy: its kernel is the forward
/// one with the taps in reverse order and the channels exchanged, its padding is <c>kernel - 1 - padding</c>.
/// </summary>
readonly record struct UnitStridePass(
    int Batch, Extent Input, int InChannels, Extent Output, int OutChannels, Extent Kernel, Extent Padding,
    bool IsGradient)
{
    public static UnitStridePass Forward(ConvolutionShape s) => new(
        s.Batch, s.Input, s.InChannels, s.Output, s.OutChannels, s.Kernel, s.Padding, false);

    public static UnitStridePass InputGradient(ConvolutionShape s) => new(
        s.Batch, s.Output, s.OutChannels, s.Input, s.InChannels, s.Kernel,
        new Extent(s.Kernel.D - 1 - s.Padding.D, s.Kernel.H - 1 - s.Padding.H, s.Kernel.W - 1 - s.Padding.W), true);
}

/// <summary>Launches of <see cref="HaloConvolution"/>.</summary>
sealed class GpuHaloConvolution(GpuDevice gpu)
{
    /// <summary>
    /// y = x * w + bias, packing the weights first; x goes through constants where they are given, and moments of y
    /// are left where they are wanted.
    /// </summary>
    public void Run(
        HaloKernel halo, UnitStridePass pass, View x, View w, View bias, View y, ChannelTable constants = default,
        View moments = default)
    {
        int groups = HaloKernel.Parts(pass.OutChannels, halo.Columns);
        int chunks = HaloKernel.Parts(pass.InChannels, halo.ChunkChannels);
        DeviceBuffer weights = Pack(halo, pass, w, groups, chunks);
        Extent boxes = halo.Boxes(pass.Output);
        int allBoxes = AllBoxes(halo, pass);
        gpu.Launch(
            halo.Kernel,
            new HaloArguments
            {
                X = VolumeOperand.Of(x, pass.Input, pass.InChannels, constants),
                Weights = weights.Address,
                Y = y.Address,
                Bias = bias.Address,
                Moments = moments.Address,
                Boxes = allBoxes,
                Output = pass.Output,
                OutChannels = pass.OutChannels,
                HasPairs = pass.OutChannels % 2 == 0 && y.Address % (2 * sizeof(float)) == 0 ? 1 : 0,
                KernelD = pass.Kernel.D,
                KernelW = pass.Kernel.W,
                Padding = pass.Padding,
                Chunks = chunks,
                Groups = new Divisor(groups),
                BoxesW = new Divisor(boxes.W),
                BoxesH = new Divisor(boxes.H),
                BoxesD = new Divisor(boxes.D),
            },
            checked(allBoxes * groups));
        weights.Release();
    }

    /// <summary>Boxes of all samples.</summary>
    public static int AllBoxes(HaloKernel halo, UnitStridePass pass) =>
        checked((int)(pass.Batch * halo.Boxes(pass.Output).Voxels));

    DeviceBuffer Pack(HaloKernel halo, UnitStridePass pass, View w, int groups, int chunks)
    {
        // As the weights lie: a gradient's outputs are their inputs.
        int from = pass.IsGradient ? pass.OutChannels : pass.InChannels;
        int to = pass.IsGradient ? pass.InChannels : pass.OutChannels;
        int tap = checked(from * to), line = tap * pass.Kernel.W, plane = line * pass.Kernel.H;
        int sign = pass.IsGradient ? -1 : 1;
        long first = pass.IsGradient ? (pass.Kernel.Voxels - 1) * tap : 0;
        int taps = (int)pass.Kernel.Voxels, blocks = halo.Columns / 16;
        int packets = checked(groups * chunks * taps * blocks * PackedWeights.PacketsPerBlock);
        DeviceBuffer weights = gpu.Pool.Rent(packets * 16L);
        gpu.LaunchOver(
            halo.Pack,
            new PackWeightsArguments
            {
                From = w.Address + first * sizeof(float),
                To = weights.Address,
                TapD = sign * plane,
                TapH = sign * line,
                TapW = sign * tap,
                In = pass.IsGradient ? 1 : to,
                Out = pass.IsGradient ? to : 1,
                KernelD = new Divisor(pass.Kernel.D),
                KernelH = new Divisor(pass.Kernel.H),
                KernelW = new Divisor(pass.Kernel.W),
                InChannels = pass.InChannels,
                OutChannels = pass.OutChannels,
                Chunks = new Divisor(chunks),
                Blocks = new Divisor(blocks),
                Packets = packets,
            },
            packets);
        return weights;
    }
}
