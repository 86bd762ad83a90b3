using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.TestKit;

/// <summary>
/// A device that computes as another: and meets what a GPU may (numbers that come late, refused graphs, loss), or spares the
/// emulator what it is slowest at.
/// </summary>
public sealed class AlteredDevice(Device device) : Device
{
    /// <summary>Fetched numbers are there when they are waited for, not before.</summary>
    public bool IsLate { get; init; }

    /// <summary>A graph cannot be made of what was recorded.</summary>
    public bool RefusesGraphs { get; init; }

    /// <summary>Every wait says that a kernel failed.</summary>
    public bool IsLost { get; init; }

    /// <summary>
    /// Of the CUDA kernels, a thread sums each gradient of a convolution's weights. At 2 x 16^3 voxels of one channel, which are too
    /// many for that elsewhere, the emulator then needs a fifth of a second and not ten.
    /// </summary>
    public bool HasPlainWeightGradients { get; init; }

    public override Device Underlying => device;

    public override string Name => device.Name;

    public override string Arithmetic => device.Arithmetic;

    public override string Description => device.Description;

    public override BufferPool Pool => device.Pool;

    public override long? FreeBytes => device.FreeBytes;

    public override bool CanCapture => device.CanCapture;

    public override IMatmul Matmul => device.Matmul;

    public override IConvolution Convolution =>
        HasPlainWeightGradients ? new PlainWeightGradients((GpuDevice)device) : device.Convolution;

    public override IFusedNormalization? FusedNormalization => device.FusedNormalization;

    public override IPooling Pooling => device.Pooling;

    public override IAttention Attention => device.Attention;

    public override INormalization Normalization => device.Normalization;

    public override ISoftmax Softmax => device.Softmax;

    public override IElementWise ElementWise => device.ElementWise;

    public override IReduction Reduction => device.Reduction;

    public override ILayout Layout => device.Layout;

    public override IResampling Resampling => device.Resampling;

    public override ILosses Losses => device.Losses;

    public override IOptimizers Optimizers => device.Optimizers;

    public override IRandom Random => device.Random;

    public override void Upload<T>(ReadOnlySpan<T> source, View destination) => device.Upload(source, destination);

    public override void Download<T>(View source, Span<T> destination) => device.Download(source, destination);

    public override Arrival Fetch(View source) => IsLate ? new Late(device.Fetch(source)) : device.Fetch(source);

    public override LaunchGraph Capture(Action work)
    {
        LaunchGraph graph = device.Capture(work);
        if (!RefusesGraphs) return graph;
        graph.Dispose();
        throw new CudaException("a graph of launches", CudaResult.LaunchOutOfResources);
    }

    public override void Synchronize()
    {
        if (IsLost) throw new CudaException("a kernel failed", (CudaResult)700);
        device.Synchronize();
    }

    public override void Dispose() => device.Dispose();

    internal override void FillBytes(nint address, long bytes, byte value) => device.FillBytes(address, bytes, value);

    sealed class PlainWeightGradients(GpuDevice gpu) : IConvolution
    {
        public void Forward(ConvolutionShape shape, View x, View w, View bias, View y, Activation activation) =>
            gpu.Convolution.Forward(shape, x, w, bias, y, activation);

        public void InputGradient(
            ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation, bool accumulate) =>
            gpu.Convolution.InputGradient(shape, dy, w, bias, dx, activation, accumulate);

        public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw) =>
            new GpuWeightGradient(gpu).Run(ConvolutionWay.Naive, shape, x, dy, dw);
    }

    sealed class Late(Arrival arrival) : Arrival
    {
        public override bool IsThere => false;

        public override float[] Wait() => arrival.Wait();
    }
}
