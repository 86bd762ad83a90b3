using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

public sealed class CheckpointingTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Gradients_are_the_same_bits_with_and_without_dropout_included()
    {
        float[][] plain = Train(checkpoint: false), again = Train(checkpoint: true);
        for (int i = 0; i < plain.Length; i++) Assert.Equal(plain[i], again[i]);
    }

    [Fact]
    public void Memory_held_for_the_backward_pass_is_one_block_instead_of_all()
    {
        Assert.True(Held(checkpoint: true) < Held(checkpoint: false) / 3);

        long Held(bool checkpoint)
        {
            var session = new Session(_device);
            using Scope step = session.Step();
            Tensor x = session.Uniform([256, 64]).WithGrad();
            long before = _device.Pool.BytesInUse;
            for (int i = 0; i < 6; i++)
            {
                using Scope scope = session.Scope();
                x = scope.Return(checkpoint ? x.Checkpoint(Block) : Block(x));
            }
            return _device.Pool.BytesInUse - before;
        }
    }

    [Fact]
    public void A_block_without_parameters_before_any_leaf_works()
    {
        var session = new Session(_device);
        Tensor y = session.Full([2], 3).Checkpoint(x => x * x);
        Tensor w = session.Full([2], 1).WithGrad();
        (y * w).Sum().Backward();
        Assert.Equal([9f, 9f], w.Grad!.ToArray());
    }

    [Fact]
    public void A_block_that_returns_its_input_passes_the_gradient_on()
    {
        var session = new Session(_device);
        Tensor x = session.Full([2], 3).WithGrad();
        x.Checkpoint(input => input).Sum().Backward();
        Assert.Equal([1f, 1f], x.Grad!.ToArray());
    }

    static Tensor Block(Tensor x)
    {
        for (int i = 0; i < 6; i++) x = x.Gelu() * x;
        return x;
    }

    float[][] Train(bool checkpoint)
    {
        var session = new Session(_device, seed: 5);
        var weights = new Weights(session, seed: 6);
        var first = new Linear(weights / "first", 8, 16);
        var norm = new BatchNorm(weights / "norm", 16);
        Tensor x = session.Uniform([12, 8], -1, 1).WithGrad();
        Tensor y = checkpoint ? x.Checkpoint(Run) : Run(x);
        (y * y).Sum().Backward();
        return [x.Grad!.ToArray(), .. weights.Parameters.Select(weight => weight.Tensor.Grad!.ToArray()), weights["norm.running_mean"].ToArray()];

        Tensor Run(Tensor input) => norm.Forward(first.Forward(input)).Dropout(0.5f);
    }
}
