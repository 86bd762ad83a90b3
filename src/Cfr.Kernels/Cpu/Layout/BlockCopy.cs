using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>What a copy does with the target.</summary>
unsafe interface IWrite
{
    static abstract void Write<V>(V value, float* target) where V : struct, IVector<V>;
}

/// <summary>target = value</summary>
readonly unsafe struct Put : IWrite
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<V>(V value, float* target) where V : struct, IVector<V> => value.Store(target);
}

/// <summary>target += value</summary>
readonly unsafe struct Accumulate : IWrite
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<V>(V value, float* target) where V : struct, IVector<V> =>
        (V.Load(target) + value).Store(target);
}

/// <summary>
/// Copies a block of rows and columns: 8 bytes an element, no arithmetic. Integers pass through float registers
/// unchanged.
/// </summary>
static unsafe class BlockCopy<V, TWrite> where V : struct, IVector<V> where TWrite : struct, IWrite
{
    const int Tile = Transpose8x8.Size;

    public static void Run(BoxPlan plan, BoxPlan.Block block, float* source, float* target)
    {
        source += block.Source;
        target += block.Target;
        if (plan.Column is { Source: 1, Target: 1 })
            Rows(block, plan.Row, source, target);
        else if (plan.Column is { Source: 0, Target: 1 })
            Repeat(block, plan.Row, source, target);
        else if (plan.IsTransposition)
            Transpose(block, plan.Row.Target, plan.Column.Source, source, target);
        else
            Strided(block, plan.Row, plan.Column, source, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Rows(BoxPlan.Block block, BoxPlan.Axis row, float* source, float* target)
    {
        for (long r = 0; r < block.Rows; r++, source += row.Source, target += row.Target)
        {
            long i = 0;
            for (; i <= block.Columns - V.Width; i += V.Width) TWrite.Write(V.Load(source + i), target + i);
            for (; i < block.Columns; i++) TWrite.Write(Lanes1.Load(source + i), target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Repeat(BoxPlan.Block block, BoxPlan.Axis row, float* source, float* target)
    {
        for (long r = 0; r < block.Rows; r++, source += row.Source, target += row.Target)
        {
            V value = V.Splat(*source);
            long i = 0;
            for (; i <= block.Columns - V.Width; i += V.Width) TWrite.Write(value, target + i);
            for (; i < block.Columns; i++) TWrite.Write(Lanes1.Load(source), target + i);
        }
    }

    /// <summary>
    /// Source contiguous along rows, target along columns: in tiles, so that cache lines of both are used up.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Transpose(BoxPlan.Block block, long targetStride, long sourceStride, float* source, float* target)
    {
        long row = 0;
        for (; row <= block.Rows - Tile && Transpose8x8.IsSupported; row += Tile)
        {
            long column = 0;
            for (; column <= block.Columns - Tile; column += Tile)
                Transpose8x8.Run<TWrite>(
                    source + row + column * sourceStride, sourceStride, target + row * targetStride + column,
                        targetStride);
            Transpose(row, row + Tile, column, block.Columns, targetStride, sourceStride, source, target);
        }
        for (; row < block.Rows; row += Tile)
            for (long column = 0; column < block.Columns; column += Tile)
                Transpose(row, Math.Min(block.Rows, row + Tile), column, Math.Min(block.Columns, column + Tile),
                    targetStride, sourceStride, source, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose(
        long row, long rowEnd, long column, long columnEnd, long targetStride, long sourceStride, float* source,
            float* target)
    {
        for (long r = row; r < rowEnd; r++)
            for (long c = column; c < columnEnd; c++)
                TWrite.Write(Lanes1.Load(source + r + c * sourceStride), target + r * targetStride + c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Strided(BoxPlan.Block block, BoxPlan.Axis row, BoxPlan.Axis column, float* source, float* target)
    {
        for (long r = 0; r < block.Rows; r++, source += row.Source, target += row.Target)
        {
            float* from = source, to = target;
            for (long c = 0; c < block.Columns; c++, from += column.Source, to += column.Target)
                TWrite.Write(Lanes1.Load(from), to);
        }
    }
}
