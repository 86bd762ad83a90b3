using Cfr.Pipeline.Retraining;
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

    [Theory]
    [InlineData(MethodKind.MeanTeacher, AmbiguityKind.Entropy)]
    [InlineData(MethodKind.Acmt, AmbiguityKind.Entropy)]
    [InlineData(MethodKind.Acmt, AmbiguityKind.Uncertainty)]
    public void Methods_with_a_teacher_go_on_with_the_same_bits(MethodKind method, AmbiguityKind mask)
    {
        TrainingConfiguration settings = _task.SemiSupervised(method) with { Acmt = new(mask, Passes: 2), Validation = null };
        Assert.True(_task.Train("whole", configuration: settings));
        using var stop = new CancellationTokenSource();
        Assert.False(_task.Train("stopped", new Every(step => step.Iteration == 3, stop.Cancel), stop, configuration: settings));
        var died = new Every(step => step.Iteration == 9, () => throw new InvalidOperationException("died"));
        Assert.Throws<InvalidOperationException>(() => _task.Train("stopped", died, configuration: settings));
        Assert.True(_task.Train("stopped", configuration: settings));
        AssertSame("whole", "stopped", "");
    }

    [Fact]
    public void Self_training_goes_on_in_whatever_it_was_stopped_with_the_same_bits()
    {
        TrainingConfiguration settings = _task.SemiSupervised(MethodKind.SelfTraining) with { Validation = null };
        Assert.True(_task.Train("whole", configuration: settings));
        // In the teacher's steps, its labels, the first student's steps, its labels, and the second student's steps.
        foreach (int death in (int[])[7, 9, 8, 20, 17])
        {
            var moments = new Moments(death);
            Assert.Throws<InvalidOperationException>(() => _task.Train("killed", moments, configuration: settings));
        }
        using var stop = new CancellationTokenSource();
        Assert.False(_task.Train("killed", new Every(_ => true, stop.Cancel), stop, configuration: settings));
        Assert.True(_task.Train("killed", configuration: settings));
        Assert.Equal(Files("whole"), Files("killed"));
        Assert.Contains(Files("whole"), file => file.StartsWith("teacher/labels/case5.nii.gz"));
        Assert.Contains(Files("whole"), file => file.StartsWith("round-2/checkpoint"));
        Assert.Equal(_task.Model("whole"), File.ReadAllBytes(Path.Combine(_task.Run("whole"), "round-2", "model.safetensors")));
        Assert.True(_task.Train("whole", new Moments(1), configuration: settings));

        string[] Files(string run) =>
        [
            .. Directory.GetFiles(_task.Run(run), "*", SearchOption.AllDirectories).Order().Where(file => !file.EndsWith("log.jsonl"))
                .Select(file => $"{Path.GetRelativePath(_task.Run(run), file)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}"),
        ];
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

    /// <summary>Dies after so many steps and labelled cases.</summary>
    sealed class Moments(int death) : ITrainingObserver
    {
        int _seen;

        public void Stepped(TrainingStep step) => Count();

        public void Labelling(int done, int all) => Count();

        void Count()
        {
            if (++_seen == death) throw new InvalidOperationException("died");
        }
    }

    sealed class WhileValidating(Action act) : ITrainingObserver
    {
        public void Validating(int done, int all) => act();
    }
}
