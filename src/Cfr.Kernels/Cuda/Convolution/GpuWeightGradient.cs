namespace Cfr.Kernels.Cuda;

/// <summary>The ways to a weight gradient, each faster than the one before.</summary>
enum WeightGradientRung
{
    /// <summary>One thread per weight.</summary>
    Naive,
    /// <summary>Sums in registers, float32.</summary>
    Registers,
    /// <summary>Tensor cores, in the device's precision; TF32 where that is float32.</summary>
    TensorCores,
}

/// <summary>Weight gradients of convolutions.</summary>
sealed class GpuWeightGradient(GpuDevice gpu)
{
    /// <summary>Walks along H, on the rung's kernel or a given one; stride 1, kernels up to 3.</summary>
    public void Walk(ConvolutionShape shape, View x, View dy, View dw, VolumeGradientKernel kernel)
    {
        var plan = new VolumeGradientPlan(shape, kernel, x, dy);
        VolumeGradientArguments arguments = plan.Arguments;
        DeviceBuffer? partials = plan.Pieces == 1 ? null : gpu.Pool.Rent(plan.Pieces * dw.Count * sizeof(float));
        arguments.Partials = partials?.Address ?? dw.Address;
        gpu.Launch(kernel.Kernel, arguments, plan.Pieces, plan.BlocksIn, plan.BlocksOut);
        if (partials is null) return;
        var sums = new View(partials.Address, plan.Pieces * dw.Count, DType.Float32);
        gpu.Reduction.Sum(1, plan.Pieces, dw.Count, sums, dw);
        partials.Release();
    }
}
