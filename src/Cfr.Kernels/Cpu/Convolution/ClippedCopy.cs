namespace Cfr.Kernels.Cpu;

/// <summary>Reads beyond the ends of a row as zeros: the padding along W.</summary>
static unsafe class ClippedCopy<V> where V : struct, IVector<V>
{
    /// <summary>target[i] = row[from + i] where that lies in [0, length), else 0, for i in [0, count).</summary>
    public static void Run(float* row, long length, long from, long count, float* target)
    {
        long first = Math.Clamp(-from, 0, count), last = Math.Clamp(length - from, first, count);
        for (long i = 0; i < first; i++) target[i] = 0;
        long k = first;
        for (; k <= last - V.Width; k += V.Width) V.Load(row + from + k).Store(target + k);
        for (; k < last; k++) target[k] = row[from + k];
        for (; k < count; k++) target[k] = 0;
    }
}
