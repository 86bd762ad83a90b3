using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

public sealed class MemoryTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Two_hundred_training_steps_ask_the_system_for_nothing_once_warm()
    {
        var session = new Session(_device, seed: 1);
        var weights = new Weights(session);
        var network = new Sequential(weights,
            new Conv3d(weights / "conv1", 1, 8, kernel: 3, padding: 1),
            new BatchNorm(weights / "norm1", 8, activation: Activation.Relu),
            new Conv3d(weights / "down", 8, 16, kernel: 2, stride: 2),
            new InstanceNorm(weights / "norm2", 16),
            new ConvTranspose3d(weights / "up", 16, 8, kernel: 2, stride: 2),
            new Dropout(weights / "drop", 0.5f),
            new Conv3d(weights / "head", 8, 2, kernel: 1));
        var tokens = new Sequential(weights,
            new Linear(weights / "qkv", 16, 48),
            new Function(weights, x => x.SelfAttention(heads: 2)),
            new Linear(weights / "mlp", 16, 64, activation: Activation.Gelu),
            new LayerNorm(weights / "norm", 64));
        var optimizer = new AdamW(weights.Parameters, 1e-3f);

        for (int i = 0; i < 3; i++) Step();
        BufferPool pool = _device.Pool;
        var warm = (pool.SystemAllocations, pool.ReservedBytes, pool.BytesInUse, pool.BuffersInUse);
        pool.ResetPeak();
        Step();
        long peak = pool.PeakBytes;
        for (int i = 0; i < 200; i++) Step();
        Assert.Equal(warm, (pool.SystemAllocations, pool.ReservedBytes, pool.BytesInUse, pool.BuffersInUse));
        Assert.Equal(peak, pool.PeakBytes);

        void Step()
        {
            using Scope step = session.Step();
            Tensor x = session.Uniform([2, 4, 6, 8, 1]);
            Tensor labels = session.Labels(new int[2 * 4 * 6 * 8], [2, 4, 6, 8]);
            Tensor loss = network.Forward(x).SegmentationLoss(labels).Total
                + tokens.Forward(session.Uniform([2, 5, 7, 16])).Matmul(session.Uniform([2, 5, 64, 3])).Square().Mean();
            loss.Backward();
            optimizer.Step();
            optimizer.ClearGradients();
        }
    }

    [Theory]
    [InlineData(1, 256), InlineData(256, 256), InlineData(257, 320), InlineData(1025, 1152), InlineData(1 << 20, 1 << 20), InlineData((1 << 20) + 1, (1 << 20) + (1 << 17))]
    public void Sizes_are_rounded_to_eighths_of_a_power_of_two(long bytes, long rounded) =>
        Assert.Equal(rounded, BufferPool.RoundUp(bytes));

    [Fact]
    public void Memory_is_aligned_reused_and_given_back()
    {
        DeviceBuffer first = _device.Pool.Rent(1000);
        nint address = first.Address;
        Assert.Equal(0, address % 64);
        first.Release();
        DeviceBuffer second = _device.Pool.Rent(990);
        Assert.Equal(address, second.Address);
        Assert.Equal(1, _device.Pool.SystemAllocations);
        second.Release();
        Assert.Throws<ObjectDisposedException>(second.Release);
        _device.Pool.Trim();
        Assert.Equal(0, _device.Pool.ReservedBytes);
    }
}
