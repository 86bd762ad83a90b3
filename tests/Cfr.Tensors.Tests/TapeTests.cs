using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

public sealed class TapeTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public TapeTests() => _session = new Session(_device, seed: 3);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_tensor_used_twice_collects_both_gradients()
    {
        Tensor x = _session.Tensor([2, 3], [2]).WithGrad();
        (x * x + x).Sum().Backward();
        Assert.Equal([5f, 7f], x.Grad!.ToArray());
    }

    [Fact]
    public void Gradients_add_up_over_backward_passes_until_cleared()
    {
        Tensor x = _session.Tensor([2, 3], [2]).WithGrad();
        (x * x).Sum().Backward();
        (x * x).Sum().Backward();
        Assert.Equal([8f, 12f], x.Grad!.ToArray());
        x.ClearGrad();
        Assert.Null(x.Grad);
    }

    [Fact]
    public void A_gradient_that_two_branches_share_is_not_changed_under_their_feet()
    {
        Tensor a = _session.Tensor([1], [1]).WithGrad(), b = _session.Tensor([1], [1]).WithGrad();
        Tensor sum = a + b;
        (sum + a).Sum().Backward();
        Assert.Equal(2, a.Grad!.Item());
        Assert.Equal(1, b.Grad!.Item());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_kernel_adds_to_the_gradient_of_a_skip_and_to_no_other(bool isShared)
    {
        Tensor x = _session.Normal([3, 5]).WithGrad(), z = _session.Normal([3, 5]).WithGrad();
        Tensor factors = _session.Normal([3, 5]);
        (x.LayerNorm() * factors).Sum().Backward();
        float[] alone = x.Grad!.ToArray();
        x.ClearGrad();
        Tensor branch = x.LayerNorm() * factors;
        Tensor skip = isShared ? x + z : x * 1;
        (branch + skip).Sum().Backward();
        Assert.Equal([.. alone.Select(value => 1 + value)], x.Grad!.ToArray());
        if (isShared) Assert.All(z.Grad!.ToArray(), value => Assert.Equal(1, value));
    }

    [Fact]
    public void Two_graphs_are_walked_back_on_their_own()
    {
        Tensor x = _session.Tensor([2], [1]).WithGrad();
        Tensor first = (x * x).Sum(), second = (x + x).Sum();
        first.Backward();
        Assert.Equal(4, x.Grad!.Item());
        second.Backward();
        Assert.Equal(6, x.Grad!.Item());
    }

    [Fact]
    public void A_second_backward_says_that_the_tape_is_gone()
    {
        Tensor x = _session.Tensor([2], [1]).WithGrad();
        Tensor y = (x * x).Sum();
        y.Backward();
        var error = Assert.Throws<InvalidOperationException>(y.Backward);
        Assert.Contains("already walked back", error.Message);
        Assert.Contains("Sum", error.Message);
    }

    [Fact]
    public void Backward_of_something_that_is_no_scalar_shows_its_shape()
    {
        Tensor x = _session.Tensor([1, 2, 3, 4, 5, 6], [2, 3]).WithGrad();
        var error = Assert.Throws<InvalidOperationException>((x + x).Backward);
        Assert.Contains("[2, 3]", error.Message);
    }

    [Fact]
    public void Backward_without_a_leaf_is_an_error() =>
        Assert.Throws<InvalidOperationException>(_session.Full([1], 1).Backward);

    [Fact]
    public void NoGrad_records_nothing()
    {
        Tensor x = _session.Tensor([2], [1]).WithGrad();
        using (_session.NoGrad())
        {
            Assert.False((x * x).RequiresGrad);
            using (_session.NoGrad()) { }
            Assert.False(_session.GradEnabled);
        }
        Assert.True((x * x).RequiresGrad);
    }

    [Fact]
    public void Detach_stops_the_gradient()
    {
        Tensor x = _session.Tensor([3], [1]).WithGrad();
        (x * x.Detach()).Sum().Backward();
        Assert.Equal(3, x.Grad!.Item());
    }

    [Fact]
    public void Mixing_two_devices_names_the_op_and_both()
    {
        using var other = new Cfr.Kernels.Cpu.CpuDevice(threads: 1);
        Tensor a = _session.Full([2], 1), b = new Session(other).Full([2], 1);
        var error = Assert.Throws<ArgumentException>(() => a.Add(b));
        Assert.StartsWith("Add: operands are on two devices, cpu and cpu", error.Message);
        var sessions = Assert.Throws<ArgumentException>(() => a.Add(new Session(_device).Full([2], 1)));
        Assert.Contains("two sessions", sessions.Message);
    }

    [Fact]
    public void Wrong_shapes_name_the_op_and_both_shapes()
    {
        var error = Assert.Throws<ArgumentException>(() => _session.Full([2, 3], 1).Linear(_session.Full([5, 4], 1)));
        Assert.Contains("Linear", error.Message);
        Assert.Contains("[2, 3]", error.Message);
        Assert.Contains("[.., 4]", error.Message);
    }

    [Fact]
    public void What_outlives_its_scope_must_be_returned()
    {
        Tensor lost, kept;
        using (Scope scope = _session.Scope())
        {
            lost = _session.Full([4], 1);
            kept = scope.Return(_session.Full([4], 2));
        }
        Assert.Equal(2, kept.ToArray()[3]);
        var error = Assert.Throws<ObjectDisposedException>(() => lost.ToArray());
        Assert.Contains("scope", error.Message);
    }

    [Fact]
    public void The_tape_keeps_what_it_needs_beyond_the_scope()
    {
        Tensor x = _session.Tensor([3], [1]).WithGrad(), y;
        using (Scope scope = _session.Scope())
        {
            Tensor square = x * x;
            y = scope.Return(square * square);
        }
        y.Backward();
        Assert.Equal(4 * 27, x.Grad!.Item());
    }

    [Fact]
    public void The_end_of_a_step_drops_what_was_never_walked_back()
    {
        Tensor x = _session.Tensor([3], [1]).WithGrad();
        long before = _device.Pool.BytesInUse;
        for (int i = 0; i < 3; i++)
        {
            using Scope step = _session.Step();
            _ = (x * x * x).Exp().Sum();
        }
        Assert.Equal(before, _device.Pool.BytesInUse);
        Assert.Equal(0, _session.Tape.Length);
    }

    [Fact]
    public void Scopes_end_in_order()
    {
        Scope outer = _session.Scope(), inner = _session.Scope();
        Assert.Throws<InvalidOperationException>(outer.Dispose);
        inner.Dispose();
        outer.Dispose();
    }

    [Fact]
    public void A_second_loss_over_a_trunk_that_was_walked_back_is_an_error()
    {
        Tensor x = _session.Tensor([1, 2], [2]).WithGrad();
        Tensor trunk = x * 2f, first = trunk.Sum(), second = trunk.Square().Sum();
        first.Backward();
        var error = Assert.Throws<InvalidOperationException>(second.Backward);
        Assert.Contains("already walked back", error.Message);
        Assert.Equal([2f, 2f], x.Grad!.ToArray());
        Assert.Equal(0, _session.Tape.Length);
    }

    [Fact]
    public void A_backward_pass_that_fails_leaves_nothing_for_the_next()
    {
        Tensor x = _session.Tensor([1, 2], [2]).WithGrad();
        int calls = 0;
        Tensor y = (x * 1f).Checkpoint(input => calls++ == 1 ? throw new ArithmeticException() : input.Square()).Sum();
        Assert.Throws<ArithmeticException>(y.Backward);
        x.ClearGrad();
        (x * 3f).Sum().Backward();
        Assert.Equal([3f, 3f], x.Grad!.ToArray());
    }

    [Fact]
    public void Labels_are_no_values()
    {
        Tensor labels = _session.Labels([1, 2, 3, 4], [2, 2]), ones = _session.Full([2, 2], 1);
        foreach (Func<object> misuse in (Func<object>[])
            [
                () => labels.Softmax(), () => labels.LogSoftmax(), () => labels.Matmul(ones), () => labels.Linear(ones),
                () => labels.LayerNorm(), () => labels.GroupNorm(1), () => labels.BatchNormTraining(null, null),
                () => labels.Reshape(1, 2, 2, 1).Resize([4, 4]), () => labels.Reshape(1, 2, 2, 1).MaxPool2d((2, 2)),
                () => labels.Reshape(1, 2, 2, 1).Conv2d(ones.Reshape(1, 1, 1, 4)), () => labels.WithGrad(),
                () => labels.SegmentationLoss(_session.Labels([0, 0], [2])), () => labels.Reshape(4).Slice(0, 0, 1).Item(),
            ])
            Assert.Contains("Int32, expected Float32", Assert.Throws<ArgumentException>(misuse).Message);
    }

    [Fact]
    public void Sizes_that_overflow_are_refused()
    {
        Tensor x = _session.Zeros([4]);
        Assert.Throws<ArgumentException>(() => x.Slice(0, int.MaxValue, 1));
        Assert.Throws<ArgumentException>(() => x.Slice(0, 1, int.MaxValue));
        Assert.Throws<ArgumentException>(() => _session.Zeros([65536, 65536, 65536, 65536]));
        Tensor image = _session.Zeros([1, 5, 5, 1]);
        Assert.Throws<OverflowException>(() => image.ConvTranspose2d(_session.Zeros([1, 1, 1, 1]), null, 1 << 30));
        Assert.Throws<ArgumentException>(() => image.Conv2d(_session.Zeros([0, 0, 1, 1])));
        Assert.Throws<ArgumentException>(() => _session.Zeros([1, 0, 6]).SelfAttention(1));
        Assert.Throws<ArgumentException>(() => _session.Zeros([2, 2, 0]).GroupNorm(1));
    }

    [Fact]
    public void Forgotten_tensors_go_back_to_the_pool_by_garbage_collection()
    {
        Forget();
        for (int i = 0; i < 20 && _device.Pool.BytesInUse > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(0, _device.Pool.BytesInUse);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        void Forget() => Assert.True(_session.Full([1000], 1).Count == 1000 && _device.Pool.BytesInUse >= 4000);
    }
}
