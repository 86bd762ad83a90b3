using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of the segmentation loss. Partials are [blocks, Stride], the first 2 + 3 Classes of a row as in the
/// contract's sums; Coefficients are [2 Classes + 1]: slope and shift of each class, then the factor of (p - o) in
/// counted rows.
/// </summary>
struct SegmentationArguments
{
    public long Rows, Logits, Labels, Partials, Sums, Values, DLoss, Coefficients, DLogits;
    public int Classes, FirstClass, Ignore, Stride;
    public float CrossEntropyWeight, DiceWeight, Smoothing;
}

/// <summary>
/// Cross-entropy and Dice in one pass over the logits, in tiles of rows. A thread first turns its row into
/// probabilities, in shared memory; then the threads turn and take classes: thread (segment, k) adds p o, p^2 and o
/// of class k over every segments-th row and keeps the sums until the end of the block's tiles, where the segments
/// are added in a tree. What blocks leave is added in their order. No sum has more than some hundred terms in a row.
/// 4 (K + 1) bytes a row forward, 4 (2 K + 1) backward, some 30 instructions an element.
/// </summary>
static unsafe class SegmentationLoss
{
    const int Threads = 256;

    /// <summary>Grid: tiles of rows, and of classes where there are more than threads.</summary>
    public static void Sums(SegmentationArguments a)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(RowTile.Words), scratch = BlockReduce.Scratch();
        ArrayView<int> labels = SharedMemory.Allocate<int>(Threads);
        int firstClass = Grid.IdxY * Group.DimX, classes = a.Classes - firstClass;
        if (classes > Group.DimX) classes = Group.DimX;
        int segments = Ptx.Hold(Group.DimX / classes), segment = Ptx.Hold(Group.IdxX / classes);
        int k = firstClass + Group.IdxX - segment * classes, rows = Ptx.Hold(RowTile.Rows(Group.DimX, a.Classes));
        float hits = 0, squares = 0, count = 0, crossEntropy = 0, counted = 0;
        for (long first = (long)Grid.IdxX * rows; first < a.Rows; first += (long)Grid.DimX * rows)
        {
            int here = a.Rows - first < rows ? (int)(a.Rows - first) : rows;
            RowTile.Load(tile, a.Logits + 4 * first * a.Classes, here * a.Classes);
            Group.Barrier();
            if (Group.IdxX < here)
            {
                int label = Label(a, first + Group.IdxX), row = Group.IdxX * a.Classes;
                float loss = Probabilities(tile, row, a.Classes, label);
                bool counts = label >= 0 && label != a.Ignore;
                crossEntropy += counts ? loss : 0;
                counted += counts ? 1f : 0f;
                labels[Group.IdxX] = label;
            }
            Group.Barrier();
            for (int row = segment; segment < segments && row < here; row += segments)
            {
                float p = tile[RowTile.Word(row * a.Classes + k)];
                bool hit = labels[row] == k;
                squares = Ptx.MultiplyAdd(p, p, squares);
                hits += hit ? p : 0;
                count += hit ? 1f : 0f;
            }
            Group.Barrier();
        }

        crossEntropy = BlockReduce.Sum(scratch, crossEntropy);
        counted = BlockReduce.Sum(scratch, counted);
        hits = AcrossSegments(tile, hits, segment, segments, classes);
        squares = AcrossSegments(tile, squares, segment, segments, classes);
        count = AcrossSegments(tile, count, segment, segments, classes);
        float* partial = (float*)a.Partials + (long)Grid.IdxX * a.Stride;
        if (segment == 0)
        {
            partial[2 + 3 * k] = hits;
            partial[3 + 3 * k] = squares;
            partial[4 + 3 * k] = count;
        }
        if (Group.IdxX > 0 || Grid.IdxY > 0) return;
        partial[0] = crossEntropy;
        partial[1] = counted;
    }

    /// <summary>Loss, CE and Dice from the sums: one warp.</summary>
    public static void Values(SegmentationArguments a)
    {
        if (Group.IdxX >= BlockReduce.WarpSize) return;
        float* sums = (float*)a.Sums, values = (float*)a.Values;
        float dice = 0;
        for (int k = a.FirstClass + Group.IdxX; k < a.Classes; k += BlockReduce.WarpSize)
        {
            float n = 2 * sums[2 + 3 * k] + a.Smoothing, d = sums[3 + 3 * k] + sums[4 + 3 * k] + a.Smoothing;
            dice += 1 - n / d;
        }
        dice = BlockReduce.WarpSum(dice) / (a.Classes - a.FirstClass);
        if (Group.IdxX > 0) return;
        float crossEntropy = sums[1] > 0 ? sums[0] / sums[1] : 0, loss = 0;
        if (a.CrossEntropyWeight != 0) loss += a.CrossEntropyWeight * crossEntropy;
        if (a.DiceWeight != 0) loss += a.DiceWeight * dice;
        values[0] = loss;
        values[1] = crossEntropy;
        values[2] = dice;
    }

    /// <summary>
    /// dDice / dp_k = slope_k p_k - shift_k o_k, with N = 2 sum p o + s and D = sum p^2 + sum o + s: slope = 2 N / D^2,
    /// shift = 2 / D, both times dLoss weight / number of classes. A thread a class.
    /// </summary>
    public static void Coefficients(SegmentationArguments a)
    {
        float* sums = (float*)a.Sums, slope = (float*)a.Coefficients, shift = slope + a.Classes;
        float dLoss = *(float*)a.DLoss, weight = dLoss * a.DiceWeight / (a.Classes - a.FirstClass);
        for (int k = Grid.IdxX * Group.DimX + Group.IdxX; k < a.Classes; k += Grid.DimX * Group.DimX)
        {
            bool takesPart = k >= a.FirstClass && a.DiceWeight != 0;
            float n = 2 * sums[2 + 3 * k] + a.Smoothing, d = sums[3 + 3 * k] + sums[4 + 3 * k] + a.Smoothing;
            slope[k] = takesPart ? weight * 2 / d * (n / d) : 0;
            shift[k] = takesPart ? weight * 2 / d : 0;
            if (k == 0) shift[a.Classes] = sums[1] > 0 ? dLoss * a.CrossEntropyWeight / sums[1] : 0;
        }
    }

    /// <summary>
    /// With h = slope p - shift o: dLogits = p (h - sum over classes of p h) + crossEntropy (p - o) in counted rows.
    /// </summary>
    public static void Gradient(SegmentationArguments a)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(RowTile.Words);
        int rows = Ptx.Hold(RowTile.Rows(Group.DimX, a.Classes));
        for (long first = (long)Grid.IdxX * rows; first < a.Rows; first += (long)Grid.DimX * rows)
        {
            int here = a.Rows - first < rows ? (int)(a.Rows - first) : rows;
            long offset = 4 * first * a.Classes;
            RowTile.Load(tile, a.Logits + offset, here * a.Classes);
            Group.Barrier();
            if (Group.IdxX < here) GradientOfRow(a, tile, Group.IdxX * a.Classes, Label(a, first + Group.IdxX));
            Group.Barrier();
            RowTile.Store(tile, a.DLogits + offset, here * a.Classes);
            Group.Barrier();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void GradientOfRow(SegmentationArguments a, ArrayView<float> tile, int row, int label)
    {
        float* slope = (float*)a.Coefficients, shift = slope + a.Classes;
        Probabilities(tile, row, a.Classes, label);
        float factor = label >= 0 && label != a.Ignore ? shift[a.Classes] : 0, sum = 0, ofLabel = 0;
        for (int k = 0; k < a.Classes; k++)
        {
            float p = tile[RowTile.Word(row + k)];
            sum = Ptx.MultiplyAdd(p, slope[k] * p, sum);
        }
        if (label >= 0)
        {
            float p = tile[RowTile.Word(row + label)];
            ofLabel = Ptx.MultiplyAdd(p, shift[label], factor);
            sum -= p * shift[label];
        }
        for (int k = 0; k < a.Classes; k++)
        {
            int word = RowTile.Word(row + k);
            float p = tile[word];
            tile[word] = p * (Ptx.MultiplyAdd(slope[k], p, factor) - sum) - (k == label ? ofLabel : 0);
        }
    }

    /// <summary>The label, or -1 where it is no class.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Label(SegmentationArguments a, long row)
    {
        int label = ((int*)a.Labels)[row];
        return label >= 0 && label < a.Classes ? label : -1;
    }

    /// <summary>Turns a row of logits into probabilities; returns -log p[label].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Probabilities(ArrayView<float> tile, int row, int classes, int label)
    {
        float max = SoftmaxOfTile.Largest(tile, row, classes), sum = 0;
        float ofLabel = label >= 0 ? tile[RowTile.Word(row + label)] : max;
        for (int i = row; i < row + classes; i++)
        {
            float e = Ptx.ExpOfNonPositive(tile[RowTile.Word(i)] - max);
            tile[RowTile.Word(i)] = e;
            sum += e;
        }
        float inverse = Ptx.Hold(1 / sum);
        for (int i = row; i < row + classes; i++) tile[RowTile.Word(i)] *= inverse;
        return max - ofLabel + Logarithm.Apply(new Lane(sum)).Value;
    }

    /// <summary>The sum over all segments, in the threads of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float AcrossSegments(ArrayView<float> shared, float value, int segment, int segments, int classes)
    {
        int half = 1;
        while (2 * half < segments) half *= 2;
        shared[Group.IdxX] = value;
        for (int count = segments; half > 0; count = half, half /= 2)
        {
            Group.Barrier();
            if (segment >= half || segment + half >= count) continue;
            value += shared[Group.IdxX + half * classes];
            shared[Group.IdxX] = value;
        }
        Group.Barrier();
        return value;
    }
}
