using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Pretraining;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Pretraining;

/// <summary>SAM's loss against the same in float64.</summary>
public class PromptLossTests
{
    const int Prompts = 3, Side = 8, Masks = 4;

    [Theory, InlineData(true), InlineData(false)]
    public void Losses_match_float64(bool isAmbiguous)
    {
        using var device = new CpuDevice(1);
        var session = new Session(device, seed: 3);
        Tensor logits = session.Normal([Prompts, Side, Side, Masks], deviation: 3).WithGrad(), quality = session.Uniform([Prompts, Masks]);
        Tensor targets = session.Uniform([Prompts, Side * Side]).Greater(0.6f);
        PromptLosses losses = PromptLoss.Of(new MaskPrediction(logits, quality), targets, isAmbiguous);
        float[] values = logits.ToArray(), truth = targets.ToArray(), predicted = quality.ToArray(), chosen = losses.Logits.ToArray();

        double focal = 0, dice = 0, error = 0, overlap = 0;
        for (int prompt = 0; prompt < Prompts; prompt++)
        {
            (int first, int end) = isAmbiguous ? (1, Masks) : (0, 1);
            int best = Enumerable.Range(first, end - first).MinBy(mask => Of(prompt, mask).Dice);
            var parts = Of(prompt, best);
            (focal, dice, overlap) = (focal + parts.Focal / Prompts, dice + parts.Dice / Prompts, overlap + parts.Overlap / Prompts);
            for (int mask = first; mask < end; mask++)
                error += Math.Pow(predicted[prompt * Masks + mask] - Of(prompt, mask).Overlap, 2) / (Prompts * (end - first));
            for (int i = 0; i < Side * Side; i++)
                Assert.Equal(values[(prompt * Side * Side + i) * Masks + best], chosen[prompt * Side * Side + i]);
        }
        Assert.Equal(focal, losses.Focal.Item(), 1e-5);
        Assert.Equal(dice, losses.Dice.Item(), 1e-5);
        Assert.Equal(error, losses.Quality.Item(), 1e-5);
        Assert.Equal(overlap, losses.Overlap, 1e-5);

        (double Focal, double Dice, double Overlap) Of(int prompt, int mask)
        {
            double both = 0, sum = 0, area = 0, ofObject = 0, ofRest = 0, hits = 0, either = 0;
            for (int i = 0; i < Side * Side; i++)
            {
                double logit = values[(prompt * Side * Side + i) * Masks + mask], p = 1 / (1 + Math.Exp(-logit));
                bool isObject = truth[prompt * Side * Side + i] > 0;
                double right = isObject ? p : 1 - p, surprise = Math.Pow(1 - right, 2) * -Math.Log(right);
                sum += p;
                if (isObject) (both, area, ofObject) = (both + p, area + 1, ofObject + surprise);
                else ofRest += surprise;
                if (isObject && logit > 0) hits++;
                if (isObject || logit > 0) either++;
            }
            return ((ofObject / area + ofRest / (Side * Side - area)) / 2, 1 - (2 * both + 1) / (sum + area + 1), hits / either);
        }
    }

    [Fact]
    public void Only_the_chosen_mask_of_a_prompt_is_trained()
    {
        using var device = new CpuDevice(1);
        var session = new Session(device, seed: 5);
        Tensor logits = session.Normal([Prompts, Side, Side, Masks]).WithGrad();
        Tensor targets = session.Uniform([Prompts, Side * Side]).Greater(0.5f);
        PromptLosses losses = PromptLoss.Of(new MaskPrediction(logits, session.Uniform([Prompts, Masks])), targets, isAmbiguous: true);
        (losses.Focal + losses.Dice).Backward();
        float[] gradient = logits.Grad!.ToArray();
        for (int prompt = 0; prompt < Prompts; prompt++)
        {
            bool[] trained = [.. Enumerable.Range(0, Masks).Select(mask => Enumerable.Range(0, Side * Side)
                .Any(i => gradient[(prompt * Side * Side + i) * Masks + mask] != 0))];
            Assert.False(trained[0]);
            Assert.Single(trained, true);
        }
    }

    [Fact]
    public void An_object_too_thin_for_the_masks_resolution_gives_numbers()
    {
        using var device = new CpuDevice(1);
        var session = new Session(device, seed: 5);
        Tensor logits = session.Full([1, Side, Side, Masks], -1).WithGrad();
        PromptLosses losses = PromptLoss.Of(
            new MaskPrediction(logits, session.Zeros([1, Masks])), session.Zeros([1, Side * Side]), isAmbiguous: true);
        (losses.Focal + losses.Dice + losses.Quality).Backward();
        Assert.All(logits.Grad!.ToArray(), value => Assert.True(float.IsFinite(value)));
    }
}
