using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>The losses of a group of prompts, and what the chosen masks look like.</summary>
/// <param name="Focal">A scalar.</param>
/// <param name="Dice">A scalar.</param>
/// <param name="Quality">A scalar.</param>
/// <param name="Logits">Of each prompt the mask that was trained: [N, 4g 4g, 1].</param>
/// <param name="Overlap">Mean intersection over union of these masks with the truth.</param>
readonly record struct PromptLosses(Tensor Focal, Tensor Dice, Tensor Quality, Tensor Logits, float Overlap);

/// <summary>
/// SAM's loss (Kirillov 2023, appendix A), but for a balance in the focal loss: without it a model of random weights first learns, for
/// long, that nothing is anywhere. Of the masks of an ambiguous prompt only the one with the least Dice loss is trained:
///   focal = mean of (1 - p)^2 (-log p), p the probability of what is true of a pixel; object and rest weigh the same
///   dice = 1 - (2 sum p t + 1) / (sum p + sum t + 1), p the probability of the object
///   quality = mean of (predicted - true intersection over union)^2, over all masks that were asked for
/// </summary>
static class PromptLoss
{
    /// <summary>Losses of the predicted masks.</summary>
    /// <param name="prediction">Of N prompts.</param>
    /// <param name="targets">1 for the object, else 0: [N, 4g 4g].</param>
    /// <param name="isAmbiguous">Whether the masks from 1 on answer, or mask 0 alone.</param>
    public static PromptLosses Of(MaskPrediction prediction, Tensor targets, bool isAmbiguous)
    {
        Session session = targets.Session;
        int prompts = targets.Size(0), pixels = targets.Size(1), masks = prediction.Quality.Size(1);
        Tensor logits = prediction.Logits.Reshape(prompts, pixels, masks), truth = targets.Reshape(prompts, pixels, 1);
        float[] overlaps, dice;
        using (session.NoGrad())
        {
            Tensor found = logits.Greater(0), both = (found * truth).Sum(1), area = truth.Sum(1);
            overlaps = (both / (found.Sum(1) + area - both).Clamp(1, pixels)).ToArray();
            dice = Dice(logits.Sigmoid(), truth).ToArray();
        }

        float[] choice = new float[prompts * masks], asked = new float[prompts * masks];
        float overlap = 0;
        for (int prompt = 0; prompt < prompts; prompt++)
        {
            int row = prompt * masks, best = isAmbiguous ? 1 : 0;
            for (int mask = best + 1; isAmbiguous && mask < masks; mask++)
                if (dice[row + mask] < dice[row + best]) best = mask;
            choice[row + best] = 1;
            asked.AsSpan(isAmbiguous ? row + 1 : row, isAmbiguous ? masks - 1 : 1).Fill(1);
            overlap += overlaps[row + best] / prompts;
        }
        Tensor chosen = logits.Matmul(session.Tensor(choice, [prompts, masks, 1]));
        Tensor error = (prediction.Quality - session.Tensor(overlaps, [prompts, masks])).Square();
        Tensor quality = (error * session.Tensor(asked, [prompts, masks])).Sum() * (1 / asked.Sum());
        (Tensor focal, Tensor chosenDice) = Of(chosen, truth);
        return new PromptLosses(focal, chosenDice, quality, chosen, overlap);
    }

    /// <summary>The focal and the Dice loss of logits [N, P, 1] and the truth alike: two scalars.</summary>
    public static (Tensor Focal, Tensor Dice) Of(Tensor logits, Tensor truth) =>
        (Focal(logits, truth), Dice(logits.Sigmoid(), truth).Mean());

    /// <summary>
    /// With w = logit where something else is and -logit where the object is: 1 - p = sigmoid(w), -log p = max(w, 0) + log(1 + e^-|w|).
    /// </summary>
    static Tensor Focal(Tensor logits, Tensor truth)
    {
        int pixels = truth.Size(1);
        Tensor wrong = logits * truth.Affine(-2, 1), area = truth.Sum(1);
        Tensor surprise = wrong.Relu() + (wrong.Abs() * -1f).Exp().Affine(1, 1).Log();
        Tensor focal = wrong.Sigmoid().Square() * surprise;
        Tensor ofObject = (focal * truth).Sum(1) / area.Clamp(1, pixels);
        Tensor ofRest = (focal * truth.Affine(-1, 1)).Sum(1) / area.Affine(-1, pixels).Clamp(1, pixels);
        return (ofObject + ofRest).Mean() * 0.5f;
    }

    /// <summary>Of probabilities [N, P, M] and the truth [N, P, 1]: [N, M].</summary>
    static Tensor Dice(Tensor probabilities, Tensor truth)
    {
        Tensor both = (probabilities * truth).Sum(1);
        return 1 - both.Affine(2, 1) / (probabilities.Sum(1) + truth.Sum(1)).Affine(1, 1);
    }
}
