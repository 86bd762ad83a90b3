using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>The whole model, small.</summary>
public sealed class SamTests : IDisposable
{
    static readonly SamConfiguration Small = TestSam.Small with { Masks = 3 };

    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public SamTests() => _session = new Session(_device, seed: 4);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void ViT_B_has_the_names_and_the_number_of_parameters_of_the_published_file()
    {
        var weights = new Weights(_session);
        _ = new Models.Sam(weights, SamConfiguration.ViTB);
        Assert.Equal(314, weights.All.Count());
        Assert.Equal(93_735_472, weights.Parameters.Sum(weight => weight.Tensor.Count));
        Weight buffer = Assert.Single(weights.All, weight => !weight.IsParameter);
        Assert.Equal("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", buffer.Name);
        Assert.Equal(4_058_340, weights.Matching("mask_decoder.*").Sum(weight => weight.Tensor.Count));
        Assert.Equal(6_220, weights.Matching("prompt_encoder.*").Where(w => w.IsParameter).Sum(w => w.Tensor.Count));
    }

    [Fact]
    public void Without_prompts_every_image_gets_a_map_a_mask_token()
    {
        Models.Sam sam = Create();
        Tensor images = _session.Normal([2, 64, 64, 3]);
        Tensor logits = sam.Forward(images);
        Assert.Equal([2, 32, 32, 3], logits.Shape);
        float[] second = sam.Forward(images.Slice(0, 1, 1)).ToArray(), both = logits.ToArray();
        Assert.All(second.Zip(both[second.Length..]), pair => Assert.Equal(pair.First, pair.Second, 2e-4f));
    }

    [Fact]
    public void Many_prompts_of_one_image_are_those_prompts_one_by_one()
    {
        Models.Sam sam = Create();
        Tensor embedding = sam.Embed(_session.Normal([1, 64, 64, 3]));
        Tensor boxes = _session.Tensor([3, 4, 30, 40, 10, 12, 50, 60], [2, 4]);
        MaskPrediction both = sam.Predict(embedding, new Prompts { Boxes = boxes });
        Assert.Equal([2, 32, 32, 3], both.Logits.Shape);
        Assert.Equal([2, 3], both.Quality.Shape);
        for (int i = 0; i < 2; i++)
        {
            MaskPrediction one = sam.Predict(embedding, new Prompts { Boxes = boxes.Slice(0, i, 1) });
            float[] want = one.Logits.ToArray();
            Assert.All(want.Zip(both.Logits.Slice(0, i, 1).ToArray()), pair => Assert.Equal(pair.First, pair.Second, 2e-4f));
        }
        Assert.NotEqual(both.Quality.ToArray()[..3], both.Quality.ToArray()[3..]);
    }

    [Fact]
    public void A_mask_of_an_earlier_prediction_is_a_prompt()
    {
        Models.Sam sam = Create();
        Tensor embedding = sam.Embed(_session.Normal([1, 64, 64, 3]));
        var point = new Prompts { Points = _session.Tensor([20, 30], [1, 1, 2]), Labels = _session.Labels([1], [1, 1]) };
        MaskPrediction first = sam.Predict(embedding, point);
        MaskPrediction second = sam.Predict(embedding, point with { Masks = first.Logits.Slice(3, 0, 1) });
        Assert.Equal(first.Logits.Shape, second.Logits.Shape);
        Assert.NotEqual(first.Logits.ToArray(), second.Logits.ToArray());
    }

    [Fact]
    public void Fine_tuning_without_prompts_reaches_the_decoder_and_one_vector_of_the_prompt_encoder()
    {
        Models.Sam sam = Create();
        sam.Weights.Freeze("image_encoder.*");
        sam.Forward(_session.Normal([1, 64, 64, 3])).Square().Mean().Backward();
        string[] trained = [.. sam.Weights.Parameters.Where(w => w.Tensor.Grad is not null).Select(w => w.Name)];
        Assert.DoesNotContain(trained, name => name.StartsWith("image_encoder"));
        Assert.Equal(["prompt_encoder.no_mask_embed.weight"], trained.Where(name => name.StartsWith("prompt_encoder")));
        string[] decoder = [.. sam.Weights.Matching("mask_decoder.*").Select(w => w.Name)];
        Assert.Equal(
            decoder.Where(name => !name.Contains("iou_prediction_head")).Order(),
            trained.Where(name => name.StartsWith("mask_decoder")).Order());
    }

    Models.Sam Create() => new(new Weights(_session, seed: 7), Small);
}
