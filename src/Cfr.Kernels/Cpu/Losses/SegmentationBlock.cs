using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// The segmentation losses of one block of rows. Its memory, in floats, R rows of a block and K classes:
/// <code>
/// p [K, R] | label [R] | counted by cross-entropy, 1 or 0 [R] | -log p[label], 0 if not counted [R]
/// </code>
/// </summary>
readonly unsafe struct SegmentationBlock<V>(float* memory, SegmentationLossShape shape) where V : struct, IVector<V>
{
    const int Rows = RowBlock.Rows;

    readonly float* _p = memory;
    readonly float* _label = memory + shape.Classes * Rows;
    readonly float* _counted = memory + (shape.Classes + 1) * Rows;
    readonly float* _loss = memory + (shape.Classes + 2) * Rows;

    public static long Floats(int classes) => (classes + 3L) * Rows;

    /// <summary>Adds to [2 + 3 K]: -log p of counted rows, their number, then by class sum p o, p^2, o.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddSums(float* logits, int* labels, int count, double* sums)
    {
        int classes = shape.Classes;
        ReadLabels(labels, count);
        RowBlock.Gather(logits, count, classes, _p);
        Softmax();
        V zero = V.Splat(0), one = V.Splat(1), losses = zero, counted = zero;
        for (int r = 0; r < Rows; r += V.Width)
        {
            losses += V.Load(_loss + r);
            counted += V.Load(_counted + r);
        }
        sums[0] += V.Sum(losses);
        sums[1] += V.Sum(counted);
        for (int k = 0; k < classes; k++)
        {
            float* p = _p + k * Rows;
            for (int r = count; r < Rows; r++) p[r] = 0;
            V ofClass = V.Splat(k), products = zero, squares = zero, labelled = zero;
            for (int r = 0; r < Rows; r += V.Width)
            {
                V value = V.Load(p + r), o = V.Select(V.Equal(V.Load(_label + r), ofClass), one, zero);
                products = V.MultiplyAdd(value, o, products);
                squares = V.MultiplyAdd(value, value, squares);
                labelled += o;
            }
            sums[2 + 3 * k] += V.Sum(products);
            sums[3 + 3 * k] += V.Sum(squares);
            sums[4 + 3 * k] += V.Sum(labelled);
        }
    }

    /// <summary>
    /// With h = slope p - shift o: dLogits = p (h - sum over classes of p h) + crossEntropy (p - o) in counted rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Gradient(
        float* logits, int* labels, int count, float crossEntropy, float* slope, float* shift, float* dLogits)
    {
        int classes = shape.Classes;
        ReadLabels(labels, count);
        RowBlock.Gather(logits, count, classes, _p);
        Softmax();
        V zero = V.Splat(0), one = V.Splat(1);
        for (int r = 0; r < Rows; r += V.Width)
        {
            V label = V.Load(_label + r), factor = V.Load(_counted + r) * V.Splat(crossEntropy), sum = zero;
            for (int k = 0; k < classes; k++)
            {
                V p = V.Load(_p + k * Rows + r);
                V o = V.Select(V.Equal(label, V.Splat(k)), one, zero);
                sum = V.MultiplyAdd(p, V.Splat(slope[k]) * p - V.Splat(shift[k]) * o, sum);
            }
            for (int k = 0; k < classes; k++)
            {
                V p = V.Load(_p + k * Rows + r);
                V o = V.Select(V.Equal(label, V.Splat(k)), one, zero);
                V h = V.Splat(slope[k]) * p - V.Splat(shift[k]) * o;
                V.MultiplyAdd(p, h - sum, factor * (p - o)).Store(_p + k * Rows + r);
            }
        }
        RowBlock.Scatter(_p, count, classes, dLogits);
    }

    /// <summary>Labels as floats; what is no class becomes -1, which equals none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void ReadLabels(int* labels, int count)
    {
        for (int r = 0; r < Rows; r++)
        {
            int label = r < count && (uint)labels[r] < (uint)shape.Classes ? labels[r] : -1;
            _label[r] = label;
            _counted[r] = label >= 0 && label != shape.Ignore ? 1 : 0;
        }
    }

    /// <summary>Turns the logits in p into probabilities; -log p[label] = max - logit[label] + log sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Softmax()
    {
        int classes = shape.Classes;
        V zero = V.Splat(0);
        for (int r = 0; r < Rows; r += V.Width)
        {
            float* lane = _p + r;
            V label = V.Load(_label + r), max = SoftmaxOfBlock.Largest<V>(classes, lane), sum = zero, ofLabel = max;
            for (int k = 0; k < classes; k++)
            {
                V logit = V.Load(lane + k * Rows), e = Exponential.ApplyToNonPositive(logit - max);
                ofLabel = V.Select(V.Equal(label, V.Splat(k)), logit, ofLabel);
                e.Store(lane + k * Rows);
                sum += e;
            }
            V inverse = V.Splat(1) / sum;
            for (int k = 0; k < classes; k++) (V.Load(lane + k * Rows) * inverse).Store(lane + k * Rows);
            V loss = max - ofLabel + Logarithm.Apply(sum);
            V.Select(V.Greater(V.Load(_counted + r), zero), loss, zero).Store(_loss + r);
        }
    }
}
