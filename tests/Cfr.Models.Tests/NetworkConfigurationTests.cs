using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models.Tests;

public sealed class NetworkConfigurationTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");

    public void Dispose() => _device.Dispose();

    public static TheoryData<NetworkConfiguration, int> Sizes => new()
    {
        { new(Architecture.VNet, Classes: 2), 9_448_866 },
        { new(Architecture.VNet, Classes: 9), 9_448_985 },
        { new(Architecture.VNet, Classes: 14), 9_449_070 },
        { new(Architecture.PyramidVNet, Classes: 2), 9_449_320 },
        { new(Architecture.PyramidVNet, Classes: 14), 9_452_248 },
        { new(Architecture.UNet3d, Classes: 2), 5_884_050 },
        { new(Architecture.DeepSupervisedUNet3d, Classes: 2), 5_884_504 },
    };

    [Theory, MemberData(nameof(Sizes))]
    public void Networks_have_the_published_numbers_of_parameters(NetworkConfiguration configuration, int parameters) =>
        Assert.Equal(parameters, Create(configuration).Weights.Parameters.Sum(weight => weight.Tensor.Count));

    public static TheoryData<NetworkConfiguration> Kinds => new((NetworkConfiguration[])[
        new(Architecture.VNet, Filters: 16, Classes: 3, Channels: 2, Normalization.Batch),
        new(Architecture.VNet, Filters: 16, Classes: 2, Channels: 1, Normalization.Group),
        new(Architecture.VNet, Filters: 2, Classes: 9, Channels: 1, Normalization.Instance),
        new(Architecture.VNet, Filters: 3, Classes: 2, Channels: 4, Normalization.None),
        new(Architecture.PyramidVNet, Filters: 2, Classes: 14, Channels: 1, Normalization.Batch),
        new(Architecture.SdfVNet, Filters: 2, Classes: 2, Channels: 1, Normalization.Batch),
        new(Architecture.UNet3d, Filters: 4, Classes: 2, Channels: 1, Normalization.Instance),
        new(Architecture.DeepSupervisedUNet3d, Filters: 2, Classes: 3, Channels: 1, Normalization.Instance)]);

    [Theory, MemberData(nameof(Kinds))]
    public void A_network_is_recognised_by_the_names_and_shapes_of_its_weights(NetworkConfiguration configuration)
    {
        var shapes = Create(configuration).Weights.All.ToDictionary(weight => weight.Name, weight => weight.FileShape);
        Assert.Equal(configuration, NetworkRecognition.Recognize(shapes));
    }

    [Fact]
    public void Other_names_are_of_no_network() => Assert.Null(NetworkRecognition.Recognize(
        new Dictionary<string, Shape> { ["image_encoder.pos_embed"] = [1, 64, 64, 768], ["out_conv.weight"] = [2, 2] }));

    [Theory, MemberData(nameof(Kinds))]
    public void Json_holds_all_of_a_description(NetworkConfiguration configuration) =>
        Assert.Equal(configuration, NetworkConfiguration.FromJson(configuration.ToJson()));

    [Theory]
    [InlineData("""{"architecture":"vnet","filter":16}""", "filter")]
    [InlineData("""{"architecture":"resnet"}""", "architecture")]
    [InlineData("""{"filters":16}""", "architecture")]
    [InlineData("[]", "network")]
    public void Json_of_something_else_is_refused(string json, string named) =>
        Assert.Contains(
            named, Assert.Throws<ArgumentException>(() => NetworkConfiguration.FromJson(json)).Message,
            StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void Impossible_descriptions_are_refused()
    {
        Refused(new(Architecture.VNet, Filters: 0), "0 filters");
        Refused(new(Architecture.VNet, Classes: 1), "1 classes");
        Refused(new(Architecture.VNet, Filters: 8, Normalization: Normalization.Group), "16 groups");
        Refused(new(Architecture.UNet3d, Normalization: Normalization.Batch), "instance norm");
        Refused(new(Architecture.SdfVNet, Classes: 3), "3 classes");

        void Refused(NetworkConfiguration configuration, string reason) =>
            Assert.Contains(reason, Assert.Throws<ArgumentException>(() => Create(configuration)).Message);
    }

    [Theory, InlineData(16, 16, 24, 1), InlineData(16, 16, 16, 2)]
    public void Inputs_that_do_not_fit_are_refused_with_both_shapes(int x, int y, int z, int channels)
    {
        Segmenter network = Create(new(Architecture.VNet, Filters: 1));
        Tensor input = network.Weights.Session.Zeros([1, x, y, z, channels]);
        string message = Assert.Throws<ArgumentException>(() => network.Forward(input)).Message;
        Assert.Contains($"{input.Shape}", message);
        Assert.Contains("multiples of 16", message);
    }

    [Fact]
    public void VNets_start_uniform_within_one_over_the_root_of_fan_in()
    {
        Weights weights = Create(new(Architecture.VNet)).Weights;
        AssertUniform("block_five.conv.0.weight", 256 * 27);
        AssertUniform("block_five.conv.0.bias", 256 * 27);
        AssertUniform("block_five_up.conv.0.weight", 128 * 8);
        AssertUniform("block_one_dw.conv.0.weight", 16 * 8);
        Assert.All(weights["block_one.conv.1.weight"].ToArray(), value => Assert.Equal(1, value));
        Assert.All(weights["block_one.conv.1.running_var"].ToArray(), value => Assert.Equal(1, value));
        Assert.All(weights["block_one.conv.1.running_mean"].ToArray(), value => Assert.Equal(0, value));

        void AssertUniform(string name, int fanIn)
        {
            float[] values = weights[name].ToArray();
            double bound = 1 / Math.Sqrt(fanIn);
            Assert.InRange(values.Max(value => Math.Abs(value)), 0.95 * bound, 1.000001 * bound);
            Assert.InRange(values.Average(value => (double)value), -0.15 * bound, 0.15 * bound);
        }
    }

    [Fact]
    public void UNets_start_normal_with_deviation_of_the_root_of_two_over_fan_in()
    {
        Weights weights = Create(new(Architecture.UNet3d)).Weights;
        float[] values = weights["center.conv2.0.weight"].ToArray();
        Assert.Equal(Math.Sqrt(2.0 / (256 * 27)), Math.Sqrt(values.Average(value => (double)value * value)), 1e-4);
        Assert.True(values.Max() > 4 * Math.Sqrt(2.0 / (256 * 27)));
        Assert.InRange(weights["center.conv2.0.bias"].ToArray().Max(value => Math.Abs(value)), 0, 1 / Math.Sqrt(256 * 27));
    }

    Segmenter Create(NetworkConfiguration configuration) =>
        configuration.Create(new Weights(new Session(_device, seed: 5)));
}
