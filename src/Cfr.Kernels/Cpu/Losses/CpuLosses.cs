namespace Cfr.Kernels.Cpu;

/// <summary>
/// Cross-entropy and Dice in one pass over the logits, in blocks of rows where a lane is a row. Each piece of rows
/// leaves its sums in double; pieces are added in order. Forward 4 (K + 1) bytes a row, backward 4 (2 K + 1), K
/// classes.
/// </summary>
sealed unsafe class CpuLosses<V>(Threads threads, BufferPool pool) : ILosses where V : struct, IVector<V>
{
    const int RowsOfPiece = 64 * RowBlock.Rows;

    public void SegmentationForward(SegmentationLossShape shape, View logits, View labels, View values, View sums)
    {
        int classes = shape.Classes, width = 2 + 3 * classes;
        int pieces = Pieces(shape.Rows);
        DeviceBuffer partials = pool.Rent((long)pieces * width * sizeof(double));
        double* partial = (double*)partials.Address;
        using var scratch = new WorkerScratch(
            threads, pool, width * sizeof(double) + SegmentationBlock<V>.Floats(classes) * sizeof(float));
        threads.For(pieces, (piece, worker) =>
        {
            long first = (long)piece * RowsOfPiece, last = Math.Min(shape.Rows, first + RowsOfPiece);
            double* sumsOfPiece = (double*)scratch[worker];
            new Span<double>(sumsOfPiece, width).Clear();
            var block = new SegmentationBlock<V>((float*)(sumsOfPiece + width), shape);
            for (long row = first; row < last; row += RowBlock.Rows)
            {
                int count = (int)Math.Min(RowBlock.Rows, last - row);
                block.AddSums(logits.Floats + row * classes, labels.Ints + row, count, sumsOfPiece);
            }
            new ReadOnlySpan<double>(sumsOfPiece, width).CopyTo(new Span<double>(partial + (long)piece * width, width));
        });

        DeviceBuffer totals = pool.Rent(width * sizeof(double));
        double* total = (double*)totals.Address;
        new Span<double>(total, width).Clear();
        for (int piece = 0; piece < pieces; piece++)
            for (int i = 0; i < width; i++) total[i] += partial[(long)piece * width + i];
        for (int i = 0; i < width; i++) sums.Floats[i] = (float)total[i];
        WriteValues(shape, total, values.Floats);
        totals.Release();
        partials.Release();
    }

    public void SegmentationBackward(
        SegmentationLossShape shape, View logits, View labels, View sums, View dLoss, View dLogits)
    {
        int classes = shape.Classes;
        DeviceBuffer coefficients = pool.Rent(2L * classes * sizeof(float));
        float* slope = (float*)coefficients.Address, shift = slope + classes;
        float crossEntropy = WriteCoefficients(shape, sums.Floats, *dLoss.Floats, slope, shift);
        using var scratch = new WorkerScratch(threads, pool, SegmentationBlock<V>.Floats(classes) * sizeof(float));
        threads.For(Pieces(shape.Rows), (piece, worker) =>
        {
            long first = (long)piece * RowsOfPiece, last = Math.Min(shape.Rows, first + RowsOfPiece);
            var block = new SegmentationBlock<V>((float*)scratch[worker], shape);
            for (long row = first; row < last; row += RowBlock.Rows)
            {
                int count = (int)Math.Min(RowBlock.Rows, last - row);
                block.Gradient(
                    logits.Floats + row * classes, labels.Ints + row, count, crossEntropy, slope, shift,
                    dLogits.Floats + row * classes);
            }
        });
        coefficients.Release();
    }

    static int Pieces(long rows) => checked((int)((rows + RowsOfPiece - 1) / RowsOfPiece));

    static void WriteValues(SegmentationLossShape shape, double* sums, float* values)
    {
        double crossEntropy = sums[1] > 0 ? sums[0] / sums[1] : 0, dice = 0;
        for (int k = shape.FirstClass; k < shape.Classes; k++)
        {
            double* ofClass = sums + 2 + 3 * k;
            dice += 1 - (2 * ofClass[0] + shape.Smoothing) / (ofClass[1] + ofClass[2] + shape.Smoothing);
        }
        dice /= shape.Classes - shape.FirstClass;
        double loss = 0;
        if (shape.CrossEntropyWeight != 0) loss += shape.CrossEntropyWeight * crossEntropy;
        if (shape.DiceWeight != 0) loss += shape.DiceWeight * dice;
        values[0] = (float)loss;
        values[1] = (float)crossEntropy;
        values[2] = (float)dice;
    }

    /// <summary>
    /// dDice / dp_k = slope_k p_k - shift_k o_k, with N = 2 sum p o + s and D = sum p^2 + sum o + s: slope = 2 N / D^2,
    /// shift = 2 / D, both times weight / number of classes. Returns the factor of (p - o) in counted rows.
    /// </summary>
    static float WriteCoefficients(SegmentationLossShape shape, float* sums, float dLoss, float* slope, float* shift)
    {
        double weight = (double)dLoss * shape.DiceWeight / (shape.Classes - shape.FirstClass);
        for (int k = 0; k < shape.Classes; k++)
        {
            bool takesPart = k >= shape.FirstClass && shape.DiceWeight != 0;
            float* ofClass = sums + 2 + 3 * k;
            double n = 2.0 * ofClass[0] + shape.Smoothing, d = (double)ofClass[1] + ofClass[2] + shape.Smoothing;
            slope[k] = takesPart ? (float)(weight * 2 * n / (d * d)) : 0;
            shift[k] = takesPart ? (float)(weight * 2 / d) : 0;
        }
        return sums[1] > 0 ? dLoss * shape.CrossEntropyWeight / sums[1] : 0;
    }
}
