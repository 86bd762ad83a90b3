namespace Cfr.Kernels;

/// <summary>
/// Cross-entropy and soft Dice of softmax(logits [Rows, Classes]) against labels [Rows] (int32), in one pass.
/// <c>CE = mean over rows with label != Ignore of -log p[label]</c>;
/// <c>Dice = mean over classes k >= FirstClass of 1 - (2 sum p_k o_k + s) / (sum p_k^2 + sum o_k + s)</c>, sums over
/// all rows; a row whose label is no class has o = 0 everywhere but still counts in p^2.
/// Loss = CrossEntropyWeight CE + DiceWeight Dice.
/// </summary>
/// <param name="Rows">Voxels of all samples.</param>
/// <param name="Classes">Channels, background included.</param>
/// <param name="CrossEntropyWeight">Weight of CE.</param>
/// <param name="DiceWeight">Weight of Dice.</param>
/// <param name="Smoothing">s; 1e-5 in most programs.</param>
/// <param name="FirstClass">0, or 1 to leave the background out of the Dice mean.</param>
/// <param name="Ignore">Label that CE skips; usually 255.</param>
public readonly record struct SegmentationLossShape(
    long Rows, int Classes, float CrossEntropyWeight, float DiceWeight, float Smoothing, int FirstClass, int Ignore);

/// <summary>Segmentation losses.</summary>
public interface ILosses
{
    /// <summary>
    /// values [3] = (loss, CE, Dice); sums [2 + 3 Classes] = (sum of -log p, rows counted, then for each class sum p o,
    /// sum p^2, sum o) are kept for the backward pass. Without a counted row CE is 0.
    /// </summary>
    void SegmentationForward(SegmentationLossShape shape, View logits, View labels, View values, View sums);

    /// <summary>dLogits = dLoss[0] times the gradient of the loss.</summary>
    void SegmentationBackward(
        SegmentationLossShape shape, View logits, View labels, View sums, View dLoss, View dLogits);
}
