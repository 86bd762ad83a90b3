using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Inference;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Inference;

/// <summary>Prompts in a picture's own pixels, with a small SAM of random weights.</summary>
public sealed class SamPredictorTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;
    readonly Sam _sam;

    public SamPredictorTests()
    {
        _session = new Session(_device, seed: 2);
        _sam = new Sam(new Weights(_session, seed: 8), TestSam.Small);
    }

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Masks_are_those_of_the_model_at_the_pictures_size()
    {
        RgbImage image = Picture(50, 30);
        var predictor = new SamPredictor(_sam);
        predictor.SetImage(image);
        var prompt = new ImagePrompt { Points = [new(10, 20), new(25, 40, IsObject: false)], Box = new(2, 3, 28, 45) };
        IReadOnlyList<PredictedMask> masks = predictor.Candidates(prompt);
        Assert.Equal(3, masks.Count);

        // 50 rows become 64, so 30 columns become floor(38.4 + 1/2) = 38.
        Tensor embedding = _sam.Embed(SamImage.Prepare(_session, image, 64));
        float x = 38f / 30, y = 64f / 50;
        MaskPrediction want = _sam.Predict(embedding, new Prompts
        {
            Points = _session.Tensor([10 * x, 20 * y, 25 * x, 40 * y], [1, 2, 2]),
            Labels = _session.Labels([1, 0], [1, 2]),
            Boxes = _session.Tensor([2 * x, 3 * y, 28 * x, 45 * y], [1, 4]),
        });
        Tensor square = want.Logits.Resize([64, 64]).Slice(2, 0, 38);
        float[] full = square.Resize([50, 30]).Permute(0, 3, 1, 2).ToArray();
        for (int m = 0; m < 3; m++)
        {
            Assert.Equal(want.Quality.ToArray()[m + 1], masks[m].Quality, 1e-4f);
            float[] low = want.Logits.Slice(3, m + 1, 1).ToArray();
            Assert.All(low.Zip(masks[m].LowResolution), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
            Assert.Equal(50 * 30, masks[m].Pixels.Length);
            for (int i = 0; i < 1500; i++)
                if (Math.Abs(full[(m + 1) * 1500 + i]) > 1e-3f) Assert.Equal(full[(m + 1) * 1500 + i] > 0 ? 1 : 0, masks[m].Pixels[i]);
            Assert.Equal(masks[m].Pixels.Sum(pixel => pixel), masks[m].Area);
        }
    }

    [Fact]
    public void A_point_alone_gives_the_best_of_the_candidates_and_a_box_the_single_mask()
    {
        var predictor = new SamPredictor(_sam);
        predictor.SetImage(Picture(40, 60));
        var point = new ImagePrompt { Points = [new(30, 20)] };
        PredictedMask best = predictor.Best(point);
        IReadOnlyList<PredictedMask> candidates = predictor.Candidates(point);
        Assert.Equal(candidates.Max(mask => mask.Quality), best.Quality);
        Assert.Contains(candidates, mask => mask.Pixels.SequenceEqual(best.Pixels));
        var box = new ImagePrompt { Box = new(5, 5, 50, 35) };
        PredictedMask single = predictor.Best(box);
        Assert.DoesNotContain(predictor.Candidates(box), mask => mask.Quality == single.Quality);
    }

    [Fact]
    public void An_earlier_mask_refines_and_asking_twice_gives_the_same_bits()
    {
        var predictor = new SamPredictor(_sam);
        predictor.SetImage(Picture(64, 64));
        PredictedMask first = predictor.Best(new ImagePrompt { Points = [new(30, 20)] });
        var refined = new ImagePrompt { Points = [new(30, 20)], Mask = first.LowResolution };
        Assert.NotEqual(first.LowResolution, predictor.Best(refined).LowResolution);
        Assert.Equal(predictor.Best(refined).LowResolution, predictor.Best(refined).LowResolution);
    }

    [Fact]
    public void A_model_of_one_mask_has_one_candidate()
    {
        var predictor = new SamPredictor(new Sam(new Weights(_session, seed: 8), TestSam.Small with { Masks = 1 }));
        predictor.SetImage(Picture(64, 64));
        var point = new ImagePrompt { Points = [new(30, 20)] };
        Assert.Equal(Assert.Single(predictor.Candidates(point)).Pixels, predictor.Best(point).Pixels);
    }

    [Fact]
    public void Prompts_that_make_no_sense_are_refused()
    {
        var predictor = new SamPredictor(_sam);
        Assert.Throws<InvalidOperationException>(() => predictor.Best(new ImagePrompt { Points = [new(1, 1)] }));
        predictor.SetImage(Picture(40, 60));
        Refused(new ImagePrompt(), "the prompt is empty");
        Refused(new ImagePrompt { Points = [new(60.5, 1)] }, "the point 60.5,1 is not in the picture of 60 x 40 pixels");
        Refused(new ImagePrompt { Points = [new(double.NaN, 1)] }, "is not in the picture");
        Refused(new ImagePrompt { Box = new(5, 5, 5, 9) }, "has no extent");
        Refused(new ImagePrompt { Box = new(5, 5, 9, 41) }, "the box 5,5,9,41 is not in the picture");
        Refused(new ImagePrompt { Mask = new float[9] }, "9 logits; expected 32 x 32");

        void Refused(ImagePrompt prompt, string reason) =>
            Assert.Contains(reason, Assert.Throws<ArgumentException>(() => predictor.Best(prompt)).Message);
    }

    static RgbImage Picture(int height, int width)
    {
        var image = new RgbImage(height, width);
        for (int i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i * 7 % 256);
        return image;
    }
}
