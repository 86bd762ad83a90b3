using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests;

public sealed class WeightsTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;
    readonly string _folder = Directory.CreateTempSubdirectory("cfr").FullName;

    public WeightsTests() => _session = new Session(_device, seed: 4);

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _device.Dispose();
    }

    [Fact]
    public void Names_and_file_shapes_are_those_of_PyTorch()
    {
        Weights weights = Model();
        Assert.Equal(
            [
                "conv.weight [6, 4, 3, 3, 3]", "conv.bias [6]", "up.weight [6, 2, 2, 2, 2]", "up.bias [2]",
                "norm.weight [2]", "norm.bias [2]", "norm.running_mean [2]", "norm.running_var [2]", "norm.num_batches_tracked []",
                "head.0.weight [3, 5]", "head.0.bias [3]",
            ],
            weights.All.Select(weight => $"{weight.Name} {weight.FileShape}"));
    }

    [Fact]
    public void A_saved_model_comes_back_bit_for_bit()
    {
        Weights saved = Model(seed: 1), loaded = Model(seed: 2);
        saved["norm.num_batches_tracked"].Set([7]);
        string path = Path.Combine(_folder, "model.safetensors");
        saved.Save(path, new Dictionary<string, string> { ["made by"] = "a test" });
        loaded.Load(path);
        foreach (Weight weight in saved.All) Assert.Equal(weight.Tensor.ToArray(), loaded[weight.Name].ToArray());
        using WeightFile file = WeightFile.Open(path);
        Assert.Equal("a test", file.Metadata["made by"]);
        Assert.Equal(DType.Int64, file["norm.num_batches_tracked"].Type);
    }

    [Fact]
    public void Kernels_lie_in_files_as_PyTorch_has_them()
    {
        Weights weights = Model();
        string path = Path.Combine(_folder, "model.safetensors");
        weights.Save(path);
        using WeightFile file = WeightFile.Open(path);
        float[] stored = new float[6 * 4 * 27], here = weights["conv.weight"].ToArray();
        file["conv.weight"].CopyTo(stored.AsSpan());
        for (int o = 0; o < 6; o++)
            for (int i = 0; i < 4; i++)
                for (int tap = 0; tap < 27; tap++)
                    Assert.Equal(stored[(o * 4 + i) * 27 + tap], here[(tap * 4 + i) * 6 + o]);
    }

    [Fact]
    public void All_that_does_not_fit_is_said_at_once_and_nothing_changes()
    {
        string path = Path.Combine(_folder, "other.safetensors");
        var other = new Weights(_session);
        _ = new Linear(other / "head" / 0, 4, 3);
        _ = new Linear(other / "extra", 2, 2, bias: false);
        other.Save(path);
        Weights weights = Model();
        float[][] before = [.. weights.All.Select(weight => weight.Tensor.ToArray())];
        var error = Assert.Throws<WeightMismatchException>(() => weights.Load(path));
        Assert.Equal(9, error.Missing.Count);
        Assert.Equal(["extra.weight"], error.Unexpected);
        Assert.Equal(["head.0.weight is [3, 4] in the file, [3, 5] in the model"], error.Misshapen);
        foreach (string part in (string[])["other.safetensors", "9 missing", "conv.weight", "norm.num_batches_tracked", "1 unexpected (extra.weight)", "1 wrongly shaped"])
            Assert.Contains(part, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(before, weights.All.Select(weight => weight.Tensor.ToArray()));
    }

    [Fact]
    public void Loading_what_is_present_leaves_the_rest_and_names_it()
    {
        string path = Path.Combine(_folder, "part.safetensors");
        Weights saved = Model(seed: 1), loaded = Model(seed: 2);
        (saved / "conv").Save(path);
        float[] head = loaded["head.0.weight"].ToArray();
        var (missing, unexpected) = loaded.LoadPresent(path);
        Assert.Equal(9, missing.Count);
        Assert.Empty(unexpected);
        Assert.Equal(saved["conv.weight"].ToArray(), loaded["conv.weight"].ToArray());
        Assert.Equal(head, loaded["head.0.weight"].ToArray());
        var strangers = new Weights(_session);
        _ = new Linear(strangers / "stranger", 2, 2);
        strangers.Save(path);
        Assert.Throws<WeightMismatchException>(() => loaded.LoadPresent(path));
    }

    [Fact]
    public void Initial_values_depend_on_seed_and_name_not_on_the_order_of_creation()
    {
        Weights first = new(_session, seed: 5), second = new(_session, seed: 5), third = new(_session, seed: 6);
        Tensor a = first.Parameter("a", [9], Initialize.Normal(1)), b = first.Parameter("b", [9], Initialize.Normal(1));
        Tensor b2 = second.Parameter("b", [9], Initialize.Normal(1)), a2 = second.Parameter("a", [9], Initialize.Normal(1));
        Assert.Equal(a.ToArray(), a2.ToArray());
        Assert.Equal(b.ToArray(), b2.ToArray());
        Assert.NotEqual(a.ToArray(), b.ToArray());
        Assert.NotEqual(a.ToArray(), third.Parameter("a", [9], Initialize.Normal(1)).ToArray());
    }

    [Fact]
    public void Two_models_without_a_seed_differ()
    {
        Tensor a = new Weights(_session).Parameter("a", [9], Initialize.Normal(1));
        Tensor b = new Weights(_session).Parameter("a", [9], Initialize.Normal(1));
        Assert.NotEqual(a.ToArray(), b.ToArray());
    }

    [Fact]
    public void Frozen_weights_get_no_gradient_and_the_others_do()
    {
        Weights weights = Model();
        Assert.Equal(2, weights.Freeze("conv.*"));
        Assert.False(weights["conv.weight"].RequiresGrad);
        Assert.True(weights["up.weight"].RequiresGrad);
        Assert.False(weights["norm.running_mean"].RequiresGrad);
        Assert.Equal(2, weights.Unfreeze("conv.*"));
        Assert.True(weights["conv.weight"].RequiresGrad);
        Assert.Equal(3, weights.Matching("*.bias").Count(weight => !weight.Name.StartsWith("norm")));
    }

    [Fact]
    public void A_name_exists_once()
    {
        Weights weights = Model();
        var error = Assert.Throws<ArgumentException>(() => new Linear(weights / "head" / 0, 5, 3));
        Assert.Contains("head.0.weight", error.Message);
        Assert.Contains("nothing", Assert.Throws<KeyNotFoundException>(() => weights["nothing"]).Message);
    }

    [Fact]
    public void Initial_values_have_the_promised_spread()
    {
        const int Count = 20000;
        Check(Initialize.FanIn(16), deviation: 0.25 / Math.Sqrt(3), largest: 0.25);
        Check(Initialize.KaimingNormal(8), deviation: 0.5, largest: 2.8);
        Check(Initialize.KaimingUniform(24), deviation: 0.5 / Math.Sqrt(3), largest: 0.5);
        Check(Initialize.XavierNormal(4, 4), deviation: 0.5, largest: 2.8);
        // A normal cut at two deviations has 0.8796 of its deviation left.
        Check(Initialize.TruncatedNormal(0.02f), deviation: 0.02 * 0.8796, largest: 0.04);

        void Check(Initializer initializer, double deviation, double largest)
        {
            float[] values = new Weights(_session).Parameter("w", [Count], initializer).ToArray();
            Assert.Equal(0, values.Average(), 4 * deviation / Math.Sqrt(Count));
            Assert.Equal(1, Math.Sqrt(values.Average(v => (double)v * v)) / deviation, 0.03);
            Assert.InRange(values.Max(Math.Abs), 0.7 * largest, largest);
        }
    }

    [Fact]
    public void Dropout_acts_in_training_alone_and_whole_channels_fall_together()
    {
        var weights = new Weights(_session);
        var dropout = new Dropout(weights / "drop", 0.5f, channels: true);
        Tensor x = _session.Full([3, 4, 5, 6, 64], 1);
        float[] y = dropout.Forward(x).ToArray();
        int kept = 0;
        for (int n = 0; n < 3; n++)
            for (int c = 0; c < 64; c++)
            {
                float[] channel = [.. Enumerable.Range(0, 120).Select(voxel => y[(n * 120 + voxel) * 64 + c])];
                Assert.Single(channel.Distinct());
                Assert.Contains(channel[0], (float[])[0, 2]);
                if (channel[0] > 0) kept++;
            }
        Assert.InRange(kept, 60, 132);
        weights.Training = false;
        Assert.Same(x, dropout.Forward(x));
    }

    [Theory, InlineData(-1), InlineData(5), InlineData(int.MaxValue)]
    public void An_index_outside_an_embedding_is_named(int index)
    {
        var embedding = new Embedding(new Weights(_session), 5, 3);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => embedding.Forward(_session.Labels([0, 4, index], [3])));
        Assert.Equal($"Gather: index 2 is {index}, the table has 5 rows", error.Message);
    }

    public static TheoryData<string> Refused =>
        [.. Directory.GetFiles(TestKit.Golden.Path("sam/ckpt"), "REFUSE*").Select(path => Path.GetFileName(path)!)];

    [Theory, MemberData(nameof(Refused))]
    public void A_damaged_or_hostile_file_leaves_the_model_untouched(string name)
    {
        Weights weights = Model();
        float[][] before = [.. weights.All.Select(weight => weight.Tensor.ToArray())];
        string path = TestKit.Golden.Path($"sam/ckpt/{name}");
        var error = Assert.Throws<WeightFileException>(() => weights.Load(path));
        Assert.StartsWith(path, error.Message);
        Assert.Equal(before, weights.All.Select(weight => weight.Tensor.ToArray()));
    }

    Weights Model(ulong? seed = null)
    {
        var w = new Weights(_session, seed);
        _ = new Conv3d(w / "conv", 4, 6, kernel: 3);
        _ = new ConvTranspose3d(w / "up", 6, 2, kernel: 2, stride: 2);
        _ = new BatchNorm(w / "norm", 2);
        _ = new Linear(w / "head" / 0, 5, 3);
        return w;
    }
}
