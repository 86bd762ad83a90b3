using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Pretraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Pretraining;

/// <summary>Training a promptable SAM on drawings.</summary>
public sealed class PretrainingTests : IDisposable
{
    readonly SmallPretraining _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public void The_loss_of_a_batch_falls_within_twenty_steps()
    {
        using var device = new CpuDevice(2);
        var session = new Session(device, seed: 11);
        var pretraining = new Cfr.Pipeline.Pretraining.Pretraining(session, _task.Configuration);
        PromptBatch batch = pretraining.Batch(0);
        var losses = new List<float>();
        for (int i = 0; i < 20; i++)
        {
            using Scope step = session.Step();
            Tensor total = pretraining.Losses(batch, iteration: 1).Losses.Total;
            losses.Add(total.Item());
            total.Backward();
            ((ITrained)pretraining).Step((float)_task.Configuration.LearningRate);
            ((ITrained)pretraining).ClearGradients();
        }
        Assert.True(losses[^1] < 0.9 * losses[0], string.Join(", ", losses));
    }

    [Fact]
    public void A_batch_is_made_of_drawings_by_number()
    {
        SamConfiguration sam = _task.Configuration.Sam;
        PromptBatch together = PromptBatch.Draw(seed: 3, first: 4, count: 2, prompts: 4, sam);
        PromptBatch alone = PromptBatch.Draw(seed: 3, first: 5, count: 1, prompts: 4, sam);
        int pixels = alone.Images.Length;
        Assert.Equal(alone.Images, together.Images[pixels..]);
        Assert.Equal(alone.Points.Places, together.Points.Places[4..]);
        Assert.Equal(alone.Boxes.Places, together.Boxes.Places[8..]);
        Assert.Equal(alone.Points.Targets, together.Points.Targets[(together.Points.Targets.Length / 2)..]);
        Assert.Equal([0, 0, 1, 1], together.Boxes.Images);
    }

    [Fact]
    public void A_second_click_lies_where_the_mask_is_wrong()
    {
        using var device = new CpuDevice(1);
        var session = new Session(device, seed: 2);
        SamConfiguration sam = _task.Configuration.Sam;
        PromptBatch batch = PromptBatch.Draw(seed: 3, first: 0, count: 3, prompts: 4, sam);
        int side = 4 * sam.Grid, count = batch.Points.Count;
        Tensor logits = session.Normal([count, side * side, 1]);
        Prompts prompts = Correction.Of(batch.Points, logits, sam, seed: 3, iteration: 1);
        float[] places = prompts.Points!.ToArray(), mask = logits.ToArray();
        int[] labels = prompts.Labels!.ToIntArray();
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(batch.Points.Places[(2 * i)..(2 * i + 2)], places[(4 * i)..(4 * i + 2)]);
            int at = i * side * side + (int)places[4 * i + 3] / 2 * side + (int)places[4 * i + 2] / 2;
            bool isObject = batch.Points.Targets[at] > 0;
            Assert.NotEqual(isObject, mask[at] > 0);
            Assert.Equal(isObject ? Prompts.Foreground : Prompts.Background, labels[2 * i + 1]);
        }
        Assert.Equal(mask, prompts.Masks!.ToArray());
    }

    [Fact]
    public void A_run_that_dies_between_checkpoints_goes_on_to_the_same_bits()
    {
        Assert.True(_task.Train("whole"));
        foreach (int death in (int[])[3, 9])
        {
            var died = new Every(step => step.Iteration == death, () => throw new InvalidOperationException("died"));
            Assert.Throws<InvalidOperationException>(() => _task.Train("killed", died));
        }
        Assert.True(_task.Train("killed"));
        AssertSame("whole", "killed");
    }

    [Fact]
    public void A_run_that_is_stopped_goes_on_to_the_same_bits_on_any_number_of_threads()
    {
        Assert.True(_task.Train("whole", threads: 1));
        using var stop = new CancellationTokenSource();
        Assert.False(_task.Train("stopped", new Every(step => step.Iteration == 7, stop.Cancel), stop, threads: 3));
        Assert.True(_task.Train("stopped", threads: 3));
        AssertSame("whole", "stopped");
    }

    [Fact]
    public void A_run_with_other_settings_is_not_gone_on_with()
    {
        Assert.True(_task.Train("whole"));
        var error = Assert.Throws<ArgumentException>(
            () => Pretrainer.Open(_task.Run("whole"), _task.Configuration with { Prompts = 6 }));
        Assert.Contains("(prompts)", error.Message);
    }

    [Fact]
    public void A_run_can_begin_with_the_weights_of_another_image_size()
    {
        Assert.True(_task.Train("small"));
        PretrainingConfiguration larger = _task.Configuration with
        {
            Sam = _task.Configuration.Sam with { ImageSize = 96 },
            Iterations = 1,
            Start = Path.Combine(_task.Run("small"), "model.safetensors"),
        };
        Assert.True(_task.Train("large", configuration: larger));
        var random = larger with { Start = null };
        Assert.True(_task.Train("random", configuration: random));
        Assert.NotEqual(_task.Log("random"), _task.Log("large"));
    }

    [Fact]
    public void An_export_holds_the_nearest_halves_and_is_the_same_bytes_twice()
    {
        Assert.True(_task.Train("whole"));
        using var device = new CpuDevice(1);
        using var folder = new TemporaryFolder();
        Sam sam = SamFile.Load(new Session(device), Path.Combine(_task.Run("whole"), "model.safetensors"));
        SamExport.Save(sam, folder.File("first.safetensors"));
        SamExport.Save(sam, folder.File("second.safetensors"));
        Assert.Equal(File.ReadAllBytes(folder.File("first.safetensors")), File.ReadAllBytes(folder.File("second.safetensors")));

        Sam halves = SamFile.Load(new Session(device), folder.File("first.safetensors"));
        Assert.Equal(sam.Configuration.ToJson(), halves.Configuration.ToJson());
        foreach (var (whole, half) in sam.Weights.All.Zip(halves.Weights.All))
            Assert.Equal(whole.Tensor.ToArray().Select(value => (float)(Half)value), half.Tensor.ToArray());
    }

    [Fact]
    public void The_recipes_of_the_small_sam_go_on_from_each_other()
    {
        PretrainingConfiguration[] parts = [.. ((string[])["-128", ""]).Select(part =>
            ConfigurationFile.Read<PretrainingConfiguration>(
                Path.GetFullPath(Golden.Path($"../../configs/sam-small-pretraining{part}.json"))))];
        foreach (PretrainingConfiguration part in parts)
        {
            part.Check();
            var again = ConfigurationFile.Parse<PretrainingConfiguration>("again", ConfigurationFile.Write(part));
            Assert.Empty(ConfigurationFile.Differences(part, again));
        }
        Assert.Equal(parts[1].Sam.ToJson(), (parts[0].Sam with { ImageSize = 256 }).ToJson());
        Assert.Equal("runs/sam-small-128/model.safetensors", parts[1].Start);
    }

    [Theory]
    [InlineData("prompts", "even")]
    [InlineData("patch", "multiple of 4")]
    [InlineData("masks", "at least 3")]
    public void Settings_that_make_no_sense_are_named(string which, string expected)
    {
        PretrainingConfiguration good = _task.Configuration;
        PretrainingConfiguration bad = which switch
        {
            "prompts" => good with { Prompts = 3 },
            "patch" => good with { Sam = good.Sam with { PatchSize = 6 } },
            _ => good with { Sam = good.Sam with { Masks = 2 } },
        };
        Assert.Contains(expected, Assert.Throws<ArgumentException>(bad.Check).Message);
    }

    void AssertSame(string first, string second)
    {
        foreach (string name in (string[])["checkpoint.safetensors", "model.safetensors"])
            Assert.True(_task.File(first, name).AsSpan().SequenceEqual(_task.File(second, name)), $"{name} differs");
        Assert.Equal(_task.Log(first), _task.Log(second));
    }

    sealed class Every(Func<TrainingStep, bool> when, Action act) : ITrainingObserver
    {
        public void Stepped(TrainingStep step)
        {
            if (when(step)) act();
        }
    }
}
