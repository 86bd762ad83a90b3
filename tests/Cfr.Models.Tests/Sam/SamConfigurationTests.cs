using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models.Tests.Sam;

public sealed class SamConfigurationTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");

    public void Dispose() => _device.Dispose();

    public static TheoryData<SamConfiguration, string> Refused => new()
    {
        { new() { ImageSize = 1000 }, "SAM: an image size of 1000; expected a multiple of the patch size, 16" },
        { new() { ImageSize = 0 }, "SAM: an image size of 0; expected a multiple of the patch size, 16" },
        { new() { PatchSize = 0 }, "SAM: patches of 0 pixels; expected at least 1" },
        { new() { Width = 100 }, "SAM: a width of 100 with 12 heads; expected a multiple of the heads" },
        { new() { Depth = 0 }, "SAM: 0 encoder blocks; expected at least 1" },
        { new() { Depth = 11 }, "SAM: global blocks 2, 5, 8, 11; expected numbers from 0 to 10" },
        { new() { Window = 0 }, "SAM: windows of 0 tokens; expected at least 1" },
        { new() { PromptWidth = 200 }, "SAM: a prompt width of 200 with 8 decoder heads; expected a multiple of 8 and of twice the heads" },
        { new() { MaskPromptChannels = 6 }, "SAM: 6 channels of a mask prompt; expected a multiple of 4" },
        { new() { Masks = 0 }, "SAM: 0 masks; expected at least 1" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void What_makes_no_sense_is_named(SamConfiguration configuration, string message)
    {
        Assert.Equal(message, Assert.Throws<ArgumentException>(configuration.Check).Message);
        Assert.Throws<ArgumentException>(() => new ImageEncoder(new Weights(new Session(_device)), configuration));
    }

    [Fact]
    public void Published_sizes_are_accepted()
    {
        SamConfiguration.ViTB.Check();
        SamConfiguration.ViTL.Check();
        SamConfiguration.ViTH.Check();
    }

    /// <summary>From a model of two blocks, one of each kind: ViT-H as a whole has 2.5 GB of weights.</summary>
    [Theory, InlineData("ViT-B", 89_670_912, 177), InlineData("ViT-L", 308_278_272, 345), InlineData("ViT-H", 637_026_048, 457)]
    public void Encoders_have_the_published_number_of_parameters(string name, long parameters, int tensors)
    {
        SamConfiguration whole = name switch
        {
            "ViT-B" => SamConfiguration.ViTB,
            "ViT-L" => SamConfiguration.ViTL,
            _ => SamConfiguration.ViTH,
        };
        var encoder = new ImageEncoder(new Weights(new Session(_device)), whole with { Depth = 2, GlobalBlocks = [1] });
        int globals = whole.GlobalBlocks.Count;
        Assert.Equal((parameters, tensors), (Extrapolate(weight => weight.Tensor.Count), (int)Extrapolate(_ => 1)));

        long Extrapolate(Func<Weight, long> size)
        {
            long Sum(string prefix) => encoder.Weights.Parameters.Where(weight => weight.Name.StartsWith(prefix)).Sum(size);
            return Sum("") + (whole.Depth - globals - 1) * Sum("blocks.0.") + (globals - 1) * Sum("blocks.1.");
        }
    }
}
