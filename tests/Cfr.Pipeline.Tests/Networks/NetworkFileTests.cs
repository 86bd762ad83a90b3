using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Parity;
using Cfr.Tensors;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Networks;

public sealed class NetworkFileTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;
    readonly string _folder = Directory.CreateTempSubdirectory("cfr-networks-").FullName;

    public NetworkFileTests() => _session = new Session(_device, seed: 9);

    public void Dispose()
    {
        _device.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static TheoryData<string, NetworkConfiguration, ulong> Checkpoints => new()
    {
        { "vnet_nf1_c2.pth", new(Architecture.VNet, 1, 2, 1, Normalization.Batch), 21 },
        { "unet3d_fs64_c3.pth", new(Architecture.UNet3d, 1, 3, 1, Normalization.Instance), 22 },
    };

    [Theory, MemberData(nameof(Checkpoints))]
    public void Checkpoints_of_pytorch_are_recognised_and_loaded(
        string file, NetworkConfiguration configuration, ulong seed)
    {
        Segmenter network = NetworkFile.Load(_session, Golden.Path($"ssl/{file}"));
        Assert.Equal(configuration, network.Configuration);
        Assert.False(network.Weights.Training);
        var expected = new Weights(_session);
        configuration.Create(expected);
        Generator.Fill(expected, seed);
        Assert.NotEmpty(network.Weights.All);
        foreach (Weight weight in network.Weights.All)
        {
            float[] want = expected[weight.Name].ToArray(), got = weight.Tensor.ToArray();
            Assert.All(want.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-7f * Math.Max(1, Math.Abs(pair.First))));
        }
    }

    [Theory]
    [InlineData(Architecture.VNet, Normalization.None)]
    [InlineData(Architecture.PyramidVNet, Normalization.Batch)]
    [InlineData(Architecture.SdfVNet, Normalization.Instance)]
    [InlineData(Architecture.UNet3d, Normalization.Instance)]
    [InlineData(Architecture.DeepSupervisedUNet3d, Normalization.Instance)]
    public void A_saved_network_comes_back_with_its_description(Architecture architecture, Normalization normalization)
    {
        var configuration = new NetworkConfiguration(
            architecture, Filters: 1, Normalization: normalization, Dropout: false);
        Segmenter network = configuration.Create(new Weights(_session));
        string path = Path.Combine(_folder, "model.safetensors");
        NetworkFile.Save(network, path, new Dictionary<string, string> { ["iteration"] = "7" });
        Segmenter loaded = NetworkFile.Load(_session, path);
        Assert.Equal(configuration, loaded.Configuration);
        foreach (Weight weight in network.Weights.All)
            Assert.Equal(weight.Tensor.ToArray(), loaded.Weights[weight.Name].ToArray());
        using WeightFile file = WeightFile.Open(path);
        Assert.Equal("7", file.Metadata["iteration"]);
    }

    [Fact]
    public void Weights_of_no_known_network_are_refused_with_what_was_expected()
    {
        string path = Path.Combine(_folder, "other.safetensors");
        SafetensorsFile.Write(path, [TensorToStore.Of<float>("image_encoder.pos_embed", [2], [1, 2])]);
        string message = Assert.Throws<BadDataException>(() => NetworkFile.Load(_session, path)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains("image_encoder.pos_embed", message);
        Assert.Contains("block_one.conv.0.weight", message);
    }

    [Fact]
    public void A_damaged_description_is_refused_with_the_file()
    {
        string path = Path.Combine(_folder, "bad.safetensors");
        SafetensorsFile.Write(
            path, [TensorToStore.Of<float>("a", [1], [1])], new Dictionary<string, string> { ["network"] = "{" });
        Assert.StartsWith(path, Assert.Throws<BadDataException>(() => NetworkFile.Describe(path)).Message);
    }

    [Fact]
    public void A_checkpoint_that_lacks_weights_says_which()
    {
        string path = Path.Combine(_folder, "half.safetensors");
        SafetensorsFile.Write(path,
        [
            TensorToStore.Of<float>("block_one.conv.0.weight", [1, 1, 3, 3, 3], new float[27]),
            TensorToStore.Of<float>("out_conv.weight", [2, 1, 1, 1, 1], new float[2]),
        ]);
        var error = Assert.Throws<WeightMismatchException>(() => NetworkFile.Load(_session, path));
        Assert.Contains("block_nine.conv.0.weight", error.Missing);
    }
}
