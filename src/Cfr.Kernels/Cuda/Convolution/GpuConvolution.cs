namespace Cfr.Kernels.Cuda;

/// <summary>Convolution and its gradients: see <see cref="NaiveConvolution"/>.</summary>
sealed class GpuConvolution(GpuDevice gpu) : IConvolution
{
    /// <summary>At the number of the <see cref="Activation"/>.</summary>
    static readonly Kernel<ConvolutionArguments>[] ForwardKernels =
    [
        new("convolution_naive", NaiveConvolution.Forward<NoActivation>),
        new("convolution_naive_relu", NaiveConvolution.Forward<Relu>),
        new("convolution_naive_gelu", NaiveConvolution.Forward<Gelu>),
    ];

    static readonly Kernel<ConvolutionArguments>[] InputGradientKernels =
    [
        InputGradientKernel<NoActivation>("convolution_input_gradient_naive"),
        InputGradientKernel<Relu>("convolution_input_gradient_naive_relu"),
        InputGradientKernel<Gelu>("convolution_input_gradient_naive_gelu"),
    ];

    readonly GpuWeightGradient _weightGradient = new(gpu);

    /// <summary>Left alone, ptxas holds these at 32 registers, and spills.</summary>
    static Kernel<ConvolutionArguments> InputGradientKernel<TActivation>(string name)
        where TActivation : struct, IActivation =>
        new(name, NaiveConvolution.InputGradient<TActivation>) { BlocksPerMultiprocessor = 4 };

    public void Forward(
        ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None)
    {
        if (y.Count == 0 || OneChannelForward.Launch(gpu, shape, x, w, bias, y, activation)) return;
        var grid = new VoxelGrid(shape.Output, shape.OutChannels);
        Launch(ForwardKernels[(int)activation], shape, x, w, bias, y, y.Count, grid);
    }

    public void InputGradient(
        ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None)
    {
        if (dx.Count == 0) return;
        var grid = new VoxelGrid(shape.Input, shape.InChannels);
        Launch(InputGradientKernels[(int)activation], shape, dx, w, bias, dy, dx.Count, grid);
    }

    public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw) =>
        _weightGradient.Run(shape, x, dy, dw);

    /// <summary>The weight gradient on a chosen rung.</summary>
    public void WeightGradient(WeightGradientRung rung, ConvolutionShape shape, View x, View dy, View dw) =>
        _weightGradient.Run(rung, shape, x, dy, dw);

    void Launch(
        Kernel<ConvolutionArguments> kernel, ConvolutionShape shape, View x, View w, View bias, View y, long items,
        VoxelGrid grid) => gpu.LaunchOver(
        kernel,
        new ConvolutionArguments
        {
            X = x.Address,
            W = w.Address,
            Bias = bias.Address,
            Y = y.Address,
            Items = checked((int)items),
            Grid = grid,
            Shape = shape,
        },
        items);
}
