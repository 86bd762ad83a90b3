using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Softmax along rows: wide rows one at a time, narrow ones (class scores) in blocks of rows, where a lane is a row.
/// 8 bytes an element forward and 12 backward; about 20 FLOP, most of them in exp.
/// </summary>
sealed unsafe class CpuSoftmax<V>(Threads threads) : ISoftmax where V : struct, IVector<V>
{
    const int SmallestPiece = 16384;
    const int NarrowestRow = 16;

    public void Forward(long rows, int width, View x, View y)
    {
        threads.For(rows, Grain(width), (first, last) =>
        {
            if (width < NarrowestRow)
                InBlocks<SoftmaxOfBlock>(first, last, width, x.Floats, null, y.Floats);
            else
                for (long at = first * width; at < last * width; at += width)
                    SoftmaxRow<V>.Forward(x.Floats + at, width, y.Floats + at);
        });
    }

    public void Backward(long rows, int width, View y, View dy, View dx)
    {
        threads.For(rows, Grain(width), (first, last) =>
        {
            if (width < NarrowestRow)
                InBlocks<SoftmaxGradientOfBlock>(first, last, width, y.Floats, dy.Floats, dx.Floats);
            else
                for (long at = first * width; at < last * width; at += width)
                    SoftmaxRow<V>.Backward(y.Floats + at, width, dy.Floats + at, dx.Floats + at);
        });
    }

    public void LogForward(long rows, int width, View x, View y)
    {
        threads.For(rows, Grain(width), (first, last) =>
        {
            if (width < NarrowestRow)
                InBlocks<LogSoftmaxOfBlock>(first, last, width, x.Floats, null, y.Floats);
            else
                for (long at = first * width; at < last * width; at += width)
                    SoftmaxRow<V>.LogForward(x.Floats + at, width, y.Floats + at);
        });
    }

    public void LogBackward(long rows, int width, View y, View dy, View dx)
    {
        threads.For(rows, Grain(width), (first, last) =>
        {
            if (width < NarrowestRow)
                InBlocks<LogSoftmaxGradientOfBlock>(first, last, width, y.Floats, dy.Floats, dx.Floats);
            else
                for (long at = first * width; at < last * width; at += width)
                    SoftmaxRow<V>.LogBackward(y.Floats + at, width, dy.Floats + at, dx.Floats + at);
        });
    }

    static long Grain(int width) =>
        Math.Max(1, SmallestPiece / Math.Max(1, width) / RowBlock.Rows) * (width < NarrowestRow ? RowBlock.Rows : 1);

    [SkipLocalsInit]
    static void InBlocks<TFunction>(long first, long last, int width, float* a, float* b, float* result)
        where TFunction : struct, IBlockFunction
    {
        float* blockOfA = stackalloc float[NarrowestRow * RowBlock.Rows];
        float* blockOfB = stackalloc float[NarrowestRow * RowBlock.Rows];
        for (long row = first; row < last; row += RowBlock.Rows)
        {
            int count = (int)Math.Min(RowBlock.Rows, last - row);
            RowBlock.Gather(a + row * width, count, width, blockOfA);
            if (b != null) RowBlock.Gather(b + row * width, count, width, blockOfB);
            TFunction.Apply<V>(width, blockOfA, blockOfB);
            RowBlock.Scatter(blockOfA, count, width, result + row * width);
        }
    }
}
