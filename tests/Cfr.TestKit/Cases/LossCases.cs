using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class LossCases
{
    public static IEnumerable<OpCase> All =>
    [
        Loss([1, 2]), Loss([7, 2]), Loss([2, 3, 5, 4]), Loss([64, 3]), Loss([65, 14], firstClass: 1),
        Loss([300, 4], 1, 0),
        Loss([300, 4], 0, 1, firstClass: 1), Loss([9001, 2], 0.2f, 0.8f, 1e-10f), Loss([130, 5], ignore: 3),
        Loss([130, 3], labelsUpTo: 6), Loss([20, 40]), Loss([3, 1]),
        Loss([112 * 112 * 80, 2]) with { Name = "2 classes at 112x112x80", BenchmarkOnly = true },
        Loss([112 * 112 * 80, 14]) with { Name = "14 classes at 112x112x80", BenchmarkOnly = true },
    ];

    static OpCase Loss(
        Shape logits, float crossEntropy = 0.5f, float dice = 0.5f, float smoothing = 1e-5f, int firstClass = 0,
        int ignore = 255, int? labelsUpTo = null)
    {
        int classes = logits[^1];
        var shape = new SegmentationLossShape(
            logits[..^1].Count, classes, crossEntropy, dice, smoothing, firstClass, ignore);
        return new(
            "segmentation loss",
            $"{logits} {crossEntropy} CE + {dice} Dice, smoothing {smoothing}, from class {firstClass}, "
            + $"ignore {ignore}, labels below {labelsUpTo ?? classes}",
            [new("logits", logits), Input.Index("labels", logits[..^1], labelsUpTo ?? classes)],
            x => x[0].SegmentationLoss(x[1], crossEntropy, dice, smoothing, firstClass, ignore).Total,
            x =>
            {
                double[] values = new double[3], sums = new double[2 + 3 * classes];
                int[] labels = [.. x[1].Select(label => (int)label)];
                LossesNaive.SegmentationForward<double>(shape, x[0], labels, values, sums);
                return [values[0]];
            },
            // A mean over many voxels: its rounding errors are those of a few terms.
            Terms: 4 * classes);
    }
}
