using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Sizes that no test can compute.</summary>
public class VolumeGradientPlanTests
{
    static readonly VolumeGradientKernel Kernel = VolumeGradientKernels.Of(Precision.BFloat16, planes: 3);

    [Fact]
    public void Planes_of_more_than_two_gigabytes_go_another_way()
    {
        Assert.True(VolumeGradientPlan.Takes(Volume(new(3, 4096, 4095), channels: 32)));
        Assert.False(VolumeGradientPlan.Takes(Volume(new(3, 4096, 4096), channels: 32)));
        Assert.False(VolumeGradientPlan.Takes(Volume(new(1, 1, 1 << 24), channels: 32)));
    }

    [Fact]
    public void An_image_has_one_plane_of_any_size()
    {
        ConvolutionShape image = Volume(new(1, 1 << 16, 1 << 15), channels: 64, depth: 1);
        Assert.True(VolumeGradientPlan.Takes(image));
        var plan = new VolumeGradientPlan(image, Kernel, default, default);
        Assert.True(plan.Pieces > 0);
    }

    static ConvolutionShape Volume(Extent size, int channels, int depth = 3) =>
        new(1, size, channels, size, channels, new(depth, 3, 3), new(1, 1, 1), new(depth / 2, 1, 1));
}
