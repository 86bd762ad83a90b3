using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>A run that was stopped, or died, goes on as if nothing had happened.</summary>
public sealed class ResumeTests : IDisposable
{
    readonly SmallTask _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public void A_run_stopped_at_random_steps_ends_with_the_same_bits()
    {
        Assert.True(_task.Train("whole"));
        int seed = Environment.TickCount;
        var random = new Random(seed);
        int stops = 0;
        for (bool done = false; !done; stops++)
        {
            using var stop = new CancellationTokenSource();
            int after = random.Next(1, 6);
            done = _task.Train("stopped", new Every(_ => --after == 0, stop.Cancel), stop);
        }
        Assert.True(stops > 1, $"never stopped (seed {seed})");
        AssertSame("whole", "stopped", $"seed {seed}");
    }

    [Fact]
    public void A_run_that_dies_between_checkpoints_goes_on_from_the_last_one()
    {
        Assert.True(_task.Train("whole"));
        foreach (int death in (int[])[3, 9])
        {
            var died = new Every(step => step.Iteration == death, () => throw new InvalidOperationException("died"));
            Assert.Throws<InvalidOperationException>(() => _task.Train("killed", died));
        }
        Assert.True(_task.Train("killed"));
        AssertSame("whole", "killed", "");
    }

    [Fact]
    public void A_run_stopped_while_it_validates_validates_again()
    {
        Assert.True(_task.Train("whole"));
        using var stop = new CancellationTokenSource();
        Assert.False(_task.Train("stopped", new WhileValidating(stop.Cancel), stop));
        Assert.DoesNotContain(_task.Log("stopped"), line => line.Contains("validation"));
        Assert.True(_task.Train("stopped"));
        AssertSame("whole", "stopped", "");
    }

    [Fact]
    public void A_line_that_was_cut_short_is_written_again()
    {
        Assert.True(_task.Train("whole"));
        using var stop = new CancellationTokenSource();
        _task.Train("stopped", new Every(step => step.Iteration == 7, stop.Cancel), stop);
        File.AppendAllText(Path.Combine(_task.Run("stopped"), "log.jsonl"), "{\"iteration\":8,\"lo");
        Assert.True(_task.Train("stopped"));
        AssertSame("whole", "stopped", "");
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        _task.Train("one", threads: 1);
        _task.Train("three", threads: 3);
        AssertSame("one", "three", "");
    }

    [Fact]
    public void A_finished_run_can_be_resumed_and_stays_as_it_is()
    {
        _task.Train("whole");
        byte[] before = _task.Checkpoint("whole");
        string[] log = _task.Log("whole");
        Assert.True(_task.Train("whole"));
        Assert.Equal(before, _task.Checkpoint("whole"));
        Assert.Equal(log, _task.Log("whole"));
    }

    [Fact]
    public void Another_seed_gives_other_weights()
    {
        _task.Train("one");
        _task.Train("two", configuration: _task.Configuration with { Seed = 12 });
        Assert.NotEqual(_task.Checkpoint("one"), _task.Checkpoint("two"));
    }

    void AssertSame(string first, string second, string note)
    {
        Assert.True(_task.Checkpoint(first).AsSpan().SequenceEqual(_task.Checkpoint(second)), $"checkpoints differ; {note}");
        Assert.True(_task.Model(first).AsSpan().SequenceEqual(_task.Model(second)), $"networks differ; {note}");
        Assert.Equal(_task.Log(first), _task.Log(second));
    }

    sealed class Every(Func<TrainingStep, bool> when, Action act) : ITrainingObserver
    {
        public void Stepped(TrainingStep step)
        {
            if (when(step)) act();
        }
    }

    sealed class WhileValidating(Action act) : ITrainingObserver
    {
        public void Validating(int done, int all) => act();
    }
}
