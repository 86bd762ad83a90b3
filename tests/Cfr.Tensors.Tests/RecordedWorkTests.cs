using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

/// <summary>On the emulator, whose graphs replay launches with the arguments that they were recorded with.</summary>
public sealed class RecordedWorkTests : IDisposable
{
    readonly Device _device = Device.Open("emulated");
    readonly Session _eager, _replayed;

    public RecordedWorkTests() => (_eager, _replayed) = (new Session(_device, 7), new Session(_device, 7));

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Replays_with_other_inputs_and_draws_have_the_bits_of_the_work_done_anew()
    {
        Tensor weight = Weight(_eager), other = Weight(_replayed);
        Work(_eager, weight, Inputs(_eager, 9));
        Work(_replayed, other, Inputs(_replayed, 9));
        other.ClearGrad();
        Tensor[] recordedWith = Inputs(_replayed, 8);
        using RecordedWork recorded = RecordedWork.Record(
            _replayed, recordedWith, inputs => Work(_replayed, other, inputs));
        for (int step = 0; step < 3; step++)
        {
            weight.ClearGrad();
            Tensor want = Work(_eager, weight, Inputs(_eager, step)), got = recorded.Replay(Inputs(_replayed, step));
            Assert.Equal(want.ToArray(), got.ToArray());
            Assert.Equal(weight.Grad!.ToArray(), other.Grad!.ToArray());
            Assert.Equal(_eager.Random.Draws, _replayed.Random.Draws);
            // What the host changes between replays, and what it rents.
            foreach (Tensor parameter in (Tensor[])[weight, other]) parameter.Set([.. parameter.ToArray().Select(x => x + 0.25f)]);
            _replayed.Full([3, 5], float.NaN);
        }

        static Tensor Work(Session session, Tensor weight, IReadOnlyList<Tensor> inputs)
        {
            Tensor noisy = inputs[0] + session.Normal(inputs[0].Shape), y = (noisy * weight).Dropout(0.5f);
            Tensor loss = (y.Checkpoint(x => x.Dropout(0.25f) * weight).Sum() * inputs[1]).Sum();
            loss.Backward();
            return loss.Detach();
        }

        static Tensor Weight(Session session) => session.Tensor([.. Enumerable.Range(1, 5).Select(i => 0.3f * i)], [5]).WithGrad();

        static Tensor[] Inputs(Session session, int step) =>
            [session.Tensor([.. Enumerable.Range(0, 15).Select(i => MathF.Sin(i + step))], [3, 5]), session.Full([], 1 + step)];
    }

    [Fact]
    public void What_was_put_off_is_written_outside_of_a_recording_and_before_a_replay()
    {
        float[] want = PutOff(_eager.Normal([1, 2, 2, 2, 4])).ToArray();
        Tensor before = PutOff(_replayed.Normal([1, 2, 2, 2, 4]));
        Tensor[] first = [_replayed.Normal([1, 2, 2, 2, 4])], second = [_replayed.Normal([1, 2, 2, 2, 4])];
        using RecordedWork recorded = RecordedWork.Record(_replayed, first, x => x[0] + before);
        Assert.Equal(want, before.ToArray());
        float[] ofFirst = PutOff(first[0] + before).ToArray();
        Tensor got = PutOff(recorded.Replay(first));
        recorded.Replay(second);
        Assert.Equal(ofFirst, got.ToArray());

        static Tensor PutOff(Tensor x) => x.InstanceNorm(activation: Activation.Relu);
    }

    [Fact]
    public void Channels_that_a_norm_drops_are_drawn_anew_in_each_replay()
    {
        Tensor[] wanted = [Volume(_eager)], inputs = [Volume(_replayed)];
        Work(_eager, wanted);
        Work(_replayed, inputs);
        using RecordedWork recorded = RecordedWork.Record(_replayed, inputs, x => Work(_replayed, x));
        float[][] steps = [.. Enumerable.Range(0, 4).Select(_ =>
        {
            float[] got = recorded.Replay(inputs).ToArray();
            Assert.Equal(Work(_eager, wanted).ToArray(), got);
            return got;
        })];
        Assert.NotEqual(steps[0], steps[1]);

        static Tensor Work(Session session, IReadOnlyList<Tensor> x)
        {
            Tensor y = x[0].InstanceNorm(activation: Activation.Relu).ChannelDropout(0.5f);
            Assert.NotNull(y.Deferred);
            return y + x[0];
        }

        static Tensor Volume(Session session) =>
            session.Tensor([.. Enumerable.Range(0, 336).Select(i => MathF.Sin(i))], [3, 2, 4, 2, 7]);
    }

    [Fact]
    public void A_number_that_the_host_gives_stays_that_of_the_recording()
    {
        float factor = 2;
        Tensor[] inputs = [_replayed.Full([4], 3)];
        using RecordedWork recorded = RecordedWork.Record(_replayed, inputs, x => x[0] * factor);
        factor = 5;
        Assert.Equal([6, 6, 6, 6], recorded.Replay(inputs).ToArray());
    }

    [Fact]
    public void What_cannot_be_recorded_is_named_and_leaves_everything_as_it_was()
    {
        ulong draws = _replayed.Random.Draws;
        string message = Assert.Throws<InvalidOperationException>(() => RecordedWork.Record(
            _replayed, [_replayed.Full([4], 3)], x => (x[0] * _replayed.Normal([4]).ToArray()[0]).Sum())).Message;
        Assert.Equal("a copy to the host cannot be part of a captured graph", message);
        Assert.Equal(draws, _replayed.Random.Draws);
        Assert.Equal(_eager.Normal([4]).ToArray(), _replayed.Normal([4]).ToArray());
    }

    [Fact]
    public void It_may_be_disposed_twice_and_is_not_replayed_then()
    {
        Tensor[] inputs = [_replayed.Full([4], 3)];
        RecordedWork recorded = RecordedWork.Record(_replayed, inputs, x => x[0] * 2);
        recorded.Dispose();
        long inUse = _device.Pool.BytesInUse;
        recorded.Dispose();
        Assert.Equal(inUse, _device.Pool.BytesInUse);
        Assert.Throws<ObjectDisposedException>(() => recorded.Replay(inputs));
    }

    [Fact]
    public void Inputs_of_other_shapes_do_not_fit()
    {
        using RecordedWork recorded = RecordedWork.Record(_replayed, [_replayed.Full([4], 3)], x => x[0] * 2);
        Assert.True(recorded.Fits([_replayed.Zeros([4])]));
        Assert.False(recorded.Fits([_replayed.Zeros([5])]));
        Assert.False(recorded.Fits([_replayed.Labels([1, 2, 3, 4], [4])]));
    }
}
