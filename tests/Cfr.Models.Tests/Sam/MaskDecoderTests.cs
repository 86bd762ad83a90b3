using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>The mask decoder against the original program: one image, two prompts, four masks.</summary>
public sealed class MaskDecoderTests : IDisposable
{
    const double Allowed = 1e-5, GradientAllowed = 3e-5;

    static readonly SamConfiguration Configuration =
        new() { ImageSize = 96, PromptWidth = 32, DecoderHeads = 4, DecoderHidden = 64, QualityHidden = 24 };

    readonly GoldenModule<MaskDecoder> _golden = new("mask_decoder", w => new MaskDecoder(w, Configuration));

    public void Dispose() => _golden.Dispose();

    [Fact]
    public void Masks_qualities_and_all_gradients()
    {
        Tensor embedding = _golden.Image("in/image_embedding").WithGrad();
        Tensor sparse = _golden.Tensor("in/sparse").WithGrad(), dense = _golden.Image("in/dense").WithGrad();
        DecodedTokens decoded = _golden.Module.Attend(
            embedding, _golden.Image("in/image_pe"), new PromptEmbedding(sparse, dense));
        _golden.File.AssertEqual("mid/tokens_out", decoded.Tokens, Allowed);
        _golden.File.AssertEqual("mid/src_out", decoded.Image.Reshape(2, 36, 32), Allowed);
        Tensor masks = _golden.Module.Masks(decoded), quality = _golden.Module.Quality(decoded);
        _golden.AssertImage("out/masks_all", masks, Allowed);
        _golden.File.AssertEqual("out/iou_all", quality, Allowed);
        _golden.File.AssertEqual("out/iou_multi", quality.Slice(1, 1, 3), Allowed);
        _golden.File.AssertEqual("out/iou_single", quality.Slice(1, 0, 1), Allowed);
        _golden.File.AssertEqual("out/masks_multi_mean", masks.Slice(3, 1, 3).Mean(1, 2), Allowed);
        _golden.File.AssertEqual("out/masks_single_mean", masks.Slice(3, 0, 1).Mean(1, 2), Allowed);

        Tensor loss = (masks * _golden.Image("in/upstream_masks_times_invW")).Sum()
            + (quality * _golden.Tensor("in/upstream_iou")).Sum();
        loss.Backward();
        _golden.AssertImage("grad_in/image_embedding", embedding.Grad, GradientAllowed);
        _golden.AssertImage("grad_in/dense", dense.Grad, GradientAllowed);
        _golden.File.AssertEqual("grad_in/sparse", sparse.Grad, GradientAllowed);
        _golden.AssertGradients(GradientAllowed);
    }

    [Fact]
    public void The_image_is_upscaled_in_two_steps_and_each_token_has_its_vector()
    {
        Tensor image = _golden.Tensor("mid/src_out").Reshape(2, 6, 6, 32);
        Tensor half = _golden.Module.UpscalingToHalf.Forward(image);
        _golden.AssertImage("mid/upscaling1", half, Allowed);
        _golden.AssertImage("mid/upscaling4", _golden.Module.UpscalingToFull.Forward(_golden.Image("mid/upscaling1")), Allowed);
        Tensor vectors = _golden.Module.MaskVectors(_golden.Tensor("mid/tokens_out"));
        for (int t = 0; t < 4; t++)
            _golden.File.AssertEqual($"mid/hyper{t}", vectors.Slice(1, t, 1).Reshape(2, 4), Allowed);
    }

    [Fact]
    public void One_set_of_prompts_for_two_images_is_that_of_each_image_alone()
    {
        Session session = _golden.Session;
        Tensor images = session.Normal([2, 6, 6, 32]), positions = _golden.Image("in/image_pe");
        var none = new PromptEmbedding(null, session.Normal([1, 1, 1, 32]));
        float[] alone = [.. Masks(images.Slice(0, 0, 1)), .. Masks(images.Slice(0, 1, 1))];
        Assert.All(alone.Zip(Masks(images)), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));

        float[] Masks(Tensor of) => _golden.Module.Masks(_golden.Module.Attend(of, positions, none)).ToArray();
    }

    [Fact]
    public void Quality_and_prompts_that_are_not_in_the_loss_get_no_gradient()
    {
        Session session = _golden.Session;
        DecodedTokens decoded = _golden.Module.Attend(
            session.Normal([2, 6, 6, 32]), _golden.Image("in/image_pe"), new PromptEmbedding(null, session.Zeros([1, 1, 1, 32])));
        _golden.Module.Quality(decoded);
        _golden.Module.Masks(decoded).Sum().Backward();
        string[] without = [.. _golden.Module.Weights.Parameters.Where(w => w.Tensor.Grad is null).Select(w => w.Name)];
        Assert.Equal(6, without.Length);
        Assert.All(without, name => Assert.StartsWith("iou_prediction_head", name));
    }

    [Fact]
    public void Two_images_and_three_prompts_are_refused()
    {
        Session session = _golden.Session;
        var error = Assert.Throws<ArgumentException>(() => _golden.Module.Attend(
            session.Zeros([2, 6, 6, 32]), session.Zeros([1, 6, 6, 32]),
            new PromptEmbedding(session.Zeros([3, 2, 32]), session.Zeros([1, 1, 1, 32]))));
        Assert.Contains("2 images, 3 sparse", error.Message);
    }
}
