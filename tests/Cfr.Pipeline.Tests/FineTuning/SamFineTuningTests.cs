using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Tests.FineTuning;

public sealed class SamFineTuningTests : IDisposable
{
    readonly SmallFineTuning _task = new();
    readonly Device _device = Device.Open("cpu");

    public void Dispose()
    {
        _device.Dispose();
        _task.Dispose();
    }

    [Fact]
    public void Two_labelled_cases_are_learnt_by_heart()
    {
        var scores = new List<ValidationScores>();
        var configuration = _task.Configuration with
        {
            Iterations = 150,
            Grey = new(0),
            Validation = new(150, new(8, 8, 8), ValidationCases.Test),
        };
        Assert.True(_task.Train("run", configuration, new Recorder(scores)));
        Assert.InRange(scores[^1].Dice, 0.9, 1);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Only_what_should_train_changes(bool checkpointing)
    {
        var before = new Dictionary<string, string>();
        _task.Train("begun", _task.Configuration with { Iterations = 1, AdamW = new(1e-30, WeightDecay: 0) }, look: method =>
        {
            foreach (Weight weight in method.Network.Weights.All) before[weight.Name] = Checksum(weight);
        });
        _task.Train("trained", _task.Configuration with { Checkpointing = checkpointing }, look: method =>
        {
            foreach (Weight weight in method.Network.Weights.All)
            {
                bool isPrompt = weight.Name.StartsWith("prompt_encoder.") && weight.Name != "prompt_encoder.no_mask_embed.weight";
                bool stays = isPrompt || weight.Name.Contains("iou_prediction_head")
                    || weight.Name.StartsWith("image_encoder.") && !weight.Name.Contains(".linear_");
                Assert.True(stays == (before[weight.Name] == Checksum(weight)), $"{weight.Name} {(stays ? "changed" : "stayed")}");
            }
        });
    }

    /// <summary>Slices that are resized besides are compared on the same device: their sums are in another order on a GPU.</summary>
    [Theory, InlineData("cpu", null), InlineData("emulated", null), InlineData("emulated", 2), InlineData("cuda", null), InlineData("cuda", 2)]
    public void Canvases_of_resident_volumes_have_the_bits_of_patches_cut_on_the_host(string name, int? scale)
    {
        FineTuningConfiguration configuration = _task.Configuration with { Concatenation = new(Scale: scale), RotateFlip = true, TurnCanvas = true };
        using Device device = TestGpu.Open(name);
        var store = new CaseStore(_task.Load);
        (float[], int[]) want = Canvases(scale is null ? _device : device, isResident: false), got = Canvases(device, isResident: true);
        Assert.Equal(want.Item1, got.Item1);
        Assert.Equal(want.Item2, got.Item2);
        Assert.True(got.Item1.Distinct().Count() > 100);

        (float[], int[]) Canvases(Device on, bool isResident)
        {
            var session = new Session(on, configuration.Seed);
            var method = new SamFineTuning(session, configuration, _task.Data);
            using Scope volumes = session.Scope();
            using var loader = new BatchLoader(
                method.Cases, store, method.Sampler, new(configuration.Patch, configuration.RotateFlip), configuration.Seed,
                resident: isResident ? new ResidentCases(session, method.Cases, store) : null);
            using Batch batch = loader.Next(TestContext.Current.CancellationToken);
            StepInputs inputs = method.Inputs(batch, iteration: 0);
            return (inputs.Images.ToArray(), inputs.Labels.ToIntArray());
        }
    }

    [Fact]
    public void A_run_stopped_after_every_step_ends_with_the_same_bits()
    {
        Assert.True(_task.Train("whole"));
        for (int stops = 0; ; stops++)
        {
            using var stop = new CancellationTokenSource();
            if (_task.Train("stopped", observer: new StopAfterOne(stop), stop: stop)) break;
            Assert.InRange(stops, 0, 20);
        }
        Assert.Equal(_task.Checkpoint("whole"), _task.Checkpoint("stopped"));
        Assert.Equal(File.ReadAllBytes(_task.Model("whole")), File.ReadAllBytes(_task.Model("stopped")));
        Assert.Equal(_task.Log("whole"), _task.Log("stopped"));
    }

    [Fact]
    public void The_file_gives_back_the_network_with_its_updates_merged()
    {
        float[] patches = [.. Enumerable.Range(0, 2 * 16 * 16 * 16).Select(i => MathF.Sin(i * i))];
        float[] trained = [];
        _task.Train("run", look: method => trained = Logits(method.Network, patches));
        MosaicSam loaded = MosaicSamFile.Load(new Session(_device), _task.Model("run"));
        float[] got = Logits(loaded, patches);
        Assert.InRange(trained.Zip(got, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * trained.Max(Math.Abs));
        Assert.Equal(("16x16x16", "background,box"), (Note("patch"), Note("classes")));

        string Note(string key)
        {
            using WeightFile file = WeightFile.Open(_task.Model("run"));
            return file.Metadata[key];
        }
    }

    [Fact]
    public void With_a_checkpoint_the_file_holds_what_was_trained_alone_and_knows_the_checkpoint_by_its_hash()
    {
        string sam = Path.Combine(_task.Run(""), "sam.safetensors");
        SamFile.Save(new Sam(new Weights(new Session(_device), seed: 3), SmallFineTuning.Sizes), sam);
        _task.Train("run", _task.Configuration with { Sam = new(Weights: sam) });
        string model = _task.Model("run");
        using (WeightFile file = WeightFile.Open(model))
            Assert.DoesNotContain(file.Tensors.Keys, name => name.StartsWith("image_encoder.") && !name.Contains(".linear_"));
        Assert.Equal(2, MosaicSamFile.Load(new Session(_device), model).Classes);

        string moved = Path.Combine(_task.Run(""), "moved.safetensors");
        File.Move(sam, moved);
        Assert.Contains("which is not there", Assert.Throws<BadDataException>(() => MosaicSamFile.Load(new Session(_device), model)).Message);
        Assert.Equal(2, MosaicSamFile.Load(new Session(_device), model, moved).Classes);
        SamFile.Save(new Sam(new Weights(new Session(_device), seed: 4), SmallFineTuning.Sizes), moved);
        Assert.Contains("SHA-256", Assert.Throws<BadDataException>(() => MosaicSamFile.Load(new Session(_device), model, moved)).Message);
    }

    [Fact]
    public void A_file_without_a_part_of_what_was_trained_is_refused()
    {
        _task.Train("run");
        string model = _task.Model("run"), part = Path.Combine(_task.Run(""), "part.safetensors");
        using (WeightFile file = WeightFile.Open(model))
        {
            SafetensorsFile.Write(
                part, [.. file.Tensors.Values.Where(tensor => tensor.Name != "mask_decoder.mask_tokens.weight").Select(TensorToStore.Of)],
                file.Metadata);
        }
        string message = Assert.Throws<BadDataException>(() => MosaicSamFile.Load(new Session(_device), part)).Message;
        Assert.Contains("has no 'mask_decoder.mask_tokens.weight'", message);
    }

    [Fact]
    public void A_run_goes_on_with_the_same_checkpoint_alone_wherever_it_is()
    {
        string sam = Path.Combine(_task.Run(""), "sam.safetensors"), moved = Path.Combine(_task.Run(""), "moved.safetensors");
        SamFile.Save(new Sam(new Weights(new Session(_device), seed: 3), SmallFineTuning.Sizes), sam);
        FineTuningConfiguration configuration = _task.Configuration with { Sam = new(Weights: sam) };
        using (var stop = new CancellationTokenSource())
            Assert.False(_task.Train("run", configuration, new StopAfterOne(stop), stop));
        File.Move(sam, moved);
        configuration = configuration with { Sam = new(Weights: moved) };
        using (var stop = new CancellationTokenSource())
            Assert.False(_task.Train("run", configuration, new StopAfterOne(stop), stop));
        SamFile.Save(new Sam(new Weights(new Session(_device), seed: 4), SmallFineTuning.Sizes), moved);
        Assert.Contains("other weights", Assert.Throws<BadDataException>(() => _task.Train("run", configuration)).Message);
    }

    /// <summary>SAMed takes SAM's own heads over only where their number and the image size are the checkpoint's.</summary>
    [Theory, InlineData(null, true), InlineData(96, false)]
    public void As_many_classes_as_masks_keep_the_heads_at_the_same_size_alone(int? imageSize, bool keeps)
    {
        string sam = Path.Combine(_task.Run(""), "sam.safetensors");
        var published = new Sam(new Weights(new Session(_device), seed: 3), SmallFineTuning.Sizes);
        SamFile.Save(published, sam);
        FineTuningConfiguration configuration = _task.Configuration with { Sam = new(Weights: sam, ImageSize: imageSize) };
        MosaicSam begun = MosaicSamFile.Begin(new Session(_device), configuration, SmallFineTuning.Sizes.Masks);
        const string tokens = "mask_decoder.mask_tokens.weight";
        Assert.Equal(keeps, published.Weights[tokens].ToArray().SequenceEqual(begun.Weights[tokens].ToArray()));
    }

    [Fact]
    public void Settings_that_do_not_fit_are_refused_before_any_work()
    {
        AssertRefused(_task.Configuration with { Patch = new(32, 32, 16) }, "do not fit an image of 64x64", "at least 128");
        AssertRefused(_task.Configuration with { Labelled = 7 }, "7 labelled cases", "6 training cases");
        AssertRefused(_task.Configuration with { Sam = new() }, "\"weights\"", "\"model\"");
        AssertRefused(_task.Configuration with { Lora = new(0) }, "lora.rank is 0");
        AssertRefused(_task.Configuration with { AdamW = new(LearningRate: 0) }, "adamW.learningRate is 0");

        void AssertRefused(FineTuningConfiguration configuration, params string[] parts)
        {
            string message = Assert.Throws<ArgumentException>(() => configuration.Check(_task.Data)).Message;
            Assert.All(parts, part => Assert.Contains(part, message));
        }
    }

    static float[] Logits(IVolumeNetwork network, float[] patches)
    {
        Session session = network.Weights.Session;
        using Scope step = session.Step();
        using Session.GradMode inference = session.NoGrad();
        network.Weights.Training = false;
        return network.Logits(session.Tensor(patches, [2, 16, 16, 16, 1])).ToArray();
    }

    static string Checksum(Weight weight) => Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(weight.AsInFile().AsSpan())));

    sealed class Recorder(List<ValidationScores> scores) : ITrainingObserver
    {
        public void Validated(ValidationScores found) => scores.Add(found);
    }

    sealed class StopAfterOne(CancellationTokenSource stop) : ITrainingObserver
    {
        public void Stepped(TrainingStep step) => stop.Cancel();
    }
}
