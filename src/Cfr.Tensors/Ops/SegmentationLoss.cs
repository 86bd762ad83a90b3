using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>A segmentation loss and its two parts; gradients flow through the total alone.</summary>
public readonly record struct SegmentationLosses(Tensor Total, Tensor CrossEntropy, Tensor Dice);

/// <summary>
/// Cross-entropy and soft Dice of p = softmax(logits), o = one-hot labels, fused. logits [.., K], labels int32 [..] ->
/// scalars.
///   CE = mean of -log p[label] over voxels whose label is a class and not the ignored one
///   Dice = mean over classes k >= firstClass of 1 - (2 sum p_k o_k + s) / (sum p_k^2 + sum o_k + s), over all voxels
///   total = crossEntropyWeight CE + diceWeight Dice
/// A voxel whose label is no class has o = 0 but still counts in p^2.
/// </summary>
public static class SegmentationLossOp
{
    /// <summary>Cross-entropy and Dice (Milletari 2016, squared denominators), and their weighted sum.</summary>
    public static SegmentationLosses SegmentationLoss(
        this Tensor logits, Tensor labels, float crossEntropyWeight = 0.5f, float diceWeight = 0.5f,
        float smoothing = 1e-5f, int firstClass = 0, int ignore = 255)
    {
        Session session = Session.Common(nameof(SegmentationLoss), logits, labels);
        Expect.Type(nameof(SegmentationLoss), nameof(logits), logits, DType.Float32);
        Expect.Type(nameof(SegmentationLoss), nameof(labels), labels, DType.Int32);
        if (logits.Rank == 0) throw Expect.Mismatch(nameof(SegmentationLoss), nameof(logits), logits, "[.., K]");
        if (labels.Shape != logits.Shape[..^1])
            throw Expect.Mismatch(nameof(SegmentationLoss), nameof(labels), labels, $"{logits.Shape[..^1]}");
        int classes = logits.Size(^1);
        if (firstClass < 0 || firstClass >= classes)
            throw Expect.Mismatch(nameof(SegmentationLoss), nameof(logits), logits, $"more than {firstClass} classes");

        var shape = new SegmentationLossShape(
            labels.Count, classes, crossEntropyWeight, diceWeight, smoothing, firstClass, ignore);
        ILosses kernels = session.Device.Losses;
        Tensor values = session.Empty([3]), sums = session.Empty([2 + 3 * classes]);
        kernels.SegmentationForward(shape, logits.View, labels.View, values.View, sums.View);
        Tensor total = values.Alias([]).Record(
            nameof(SegmentationLoss), [logits], keep: [logits, labels, sums], backward: g => g.Add(0, () =>
            {
                Tensor dLogits = session.Empty(g.Kept(0).Shape);
                kernels.SegmentationBackward(
                    shape, g.Kept(0).View, g.Kept(1).View, g.Kept(2).View, g.OfResult.View, dLogits.View);
                return dLogits;
            }));
        return new SegmentationLosses(total, values.Alias([], 1), values.Alias([], 2));
    }

    /// <summary>Mean of -log p[label] over the voxels whose label is a class and not the ignored one; 0 if there is
    /// none.</summary>
    public static Tensor CrossEntropy(this Tensor logits, Tensor labels, int ignore = 255) =>
        logits.SegmentationLoss(labels, crossEntropyWeight: 1, diceWeight: 0, ignore: ignore).Total;

    /// <summary>Mean Dice loss of the classes from <paramref name="firstClass"/> on.</summary>
    public static Tensor DiceLoss(this Tensor logits, Tensor labels, float smoothing = 1e-5f, int firstClass = 0) =>
        logits.SegmentationLoss(labels, crossEntropyWeight: 0, diceWeight: 1, smoothing, firstClass).Total;
}
