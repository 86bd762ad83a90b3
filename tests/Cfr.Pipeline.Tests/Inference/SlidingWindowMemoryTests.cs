using Cfr.Kernels;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Inference;

/// <summary>Counts the bytes that the whole process allocates, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(SlidingWindowMemoryTests), DisableParallelization = true)]
[Collection(nameof(SlidingWindowMemoryTests))]
public sealed class SlidingWindowMemoryTests
{
    [Fact]
    public void Memory_does_not_grow_with_the_number_of_windows()
    {
        const int patch = 16, classes = 2, patchBytes = patch * patch * patch * classes * sizeof(float);
        using Device device = Device.Open("cpu");
        var session = new Session(device);
        Tensor weight = session.Tensor([0.5f, -0.5f], [classes, 1]);
        var scan = new Volume(Geometry.Unit(new(40, 24, 24)), new float[40 * 24 * 24]);
        Measure(8);
        (int few, long allocated, long reserved) = Measure(8);
        (int many, long allocatedByMany, long reservedByMany) = Measure(1);
        Assert.True(many > 20 * few);
        double more = (allocatedByMany - allocated) / (double)(many - few);
        Assert.True(more < patchBytes / 3, $"each window more allocates {more:F0} bytes; its probabilities have {patchBytes}");
        Assert.True(reservedByMany <= reserved, $"the device's pool grew from {reserved} to {reservedByMany} bytes");

        (int Windows, long Allocated, long Reserved) Measure(int stride)
        {
            var window = new SlidingWindow(new(patch, patch, patch), new(stride, stride, stride));
            long before = GC.GetTotalAllocatedBytes(precise: true);
            window.Predict(session, x => x.Linear(weight), scan);
            return (window.Windows(scan.Size), GC.GetTotalAllocatedBytes(precise: true) - before, device.Pool.ReservedBytes);
        }
    }
}
