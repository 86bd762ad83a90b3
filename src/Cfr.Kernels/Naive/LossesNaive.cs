using System.Numerics;

namespace Cfr.Kernels;

/// <summary>
/// Cross-entropy and soft Dice of softmax(logits) in their plain form; formulas at <see cref="SegmentationLossShape"/>.
/// With N = 2 sum p o + s, D = sum p^2 + sum o + s and K classes in the mean, dDice / dp = 2 (N p - D o) / (D^2 K), and
/// through the softmax dz = p (h - sum p h) for a gradient h of the probabilities. dCE / dz = (p - o) / rows counted.
/// </summary>
static class LossesNaive
{
    public static void SegmentationForward<T>(
        SegmentationLossShape shape, ReadOnlySpan<T> logits, ReadOnlySpan<int> labels, Span<T> values, Span<T> sums)
        where T : IFloatingPointIeee754<T>
    {
        int classes = shape.Classes;
        var p = new T[classes];
        sums.Clear();
        for (int r = 0; r < (int)shape.Rows; r++)
        {
            SoftmaxNaive.Forward(1, classes, logits.Slice(r * classes, classes), p);
            if (IsCounted(shape, labels[r]))
            {
                SoftmaxNaive.LogForward<T>(1, classes, logits.Slice(r * classes, classes), p);
                sums[0] -= p[labels[r]];
                sums[1] += T.One;
                SoftmaxNaive.Forward(1, classes, logits.Slice(r * classes, classes), p);
            }
            for (int k = 0; k < classes; k++)
            {
                T o = labels[r] == k ? T.One : T.Zero;
                sums[2 + 3 * k] += p[k] * o;
                sums[3 + 3 * k] += p[k] * p[k];
                sums[4 + 3 * k] += o;
            }
        }

        T two = T.CreateChecked(2), s = T.CreateChecked(shape.Smoothing);
        T crossEntropy = sums[1] > T.Zero ? sums[0] / sums[1] : T.Zero, dice = T.Zero;
        for (int k = shape.FirstClass; k < classes; k++)
            dice += T.One - (two * sums[2 + 3 * k] + s) / (sums[3 + 3 * k] + sums[4 + 3 * k] + s);
        dice /= T.CreateChecked(classes - shape.FirstClass);
        values[0] = T.CreateChecked(shape.CrossEntropyWeight) * crossEntropy + T.CreateChecked(shape.DiceWeight) * dice;
        values[1] = crossEntropy;
        values[2] = dice;
    }

    public static void SegmentationBackward<T>(
        SegmentationLossShape shape, ReadOnlySpan<T> logits, ReadOnlySpan<int> labels, ReadOnlySpan<T> sums, T dLoss,
        Span<T> dLogits) where T : IFloatingPointIeee754<T>
    {
        int classes = shape.Classes;
        T two = T.CreateChecked(2), s = T.CreateChecked(shape.Smoothing);
        T diceWeight = T.CreateChecked(shape.DiceWeight) / T.CreateChecked(classes - shape.FirstClass);
        var p = new T[classes];
        var h = new T[classes];
        for (int r = 0; r < (int)shape.Rows; r++)
        {
            SoftmaxNaive.Forward(1, classes, logits.Slice(r * classes, classes), p);
            T sumPH = T.Zero;
            for (int k = 0; k < classes; k++)
            {
                T o = labels[r] == k ? T.One : T.Zero;
                T n = two * sums[2 + 3 * k] + s, d = sums[3 + 3 * k] + sums[4 + 3 * k] + s;
                h[k] = k < shape.FirstClass ? T.Zero : diceWeight * two * (n * p[k] - d * o) / (d * d);
                sumPH += p[k] * h[k];
            }
            for (int k = 0; k < classes; k++)
            {
                T o = labels[r] == k ? T.One : T.Zero;
                T dz = p[k] * (h[k] - sumPH);
                if (IsCounted(shape, labels[r])) dz += T.CreateChecked(shape.CrossEntropyWeight) * (p[k] - o) / sums[1];
                dLogits[r * classes + k] = dLoss * dz;
            }
        }
    }

    /// <summary>Cross-entropy counts a row whose label is a class and not the one to ignore.</summary>
    static bool IsCounted(SegmentationLossShape shape, int label) =>
        label >= 0 && label < shape.Classes && label != shape.Ignore;
}
