using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A thread's part in bringing an operand to shared memory, stage by stage.</summary>
interface IOperandCopy<TSelf> where TSelf : unmanaged, IOperandCopy<TSelf>
{
    /// <summary>Starts the copies of one stage and moves on to the next.</summary>
    static abstract TSelf Stage(
        SharedBytes shared, uint stage, TSelf copy, int lines, int threads, int elementBytes);

    /// <summary>
    /// Called stage by stage, when the thread's own copies of one are there and before others read them.
    /// </summary>
    static abstract TSelf Arrived(
        SharedBytes shared, uint stage, TSelf copy, int lines, int threads, int elementBytes);
}

/// <summary>The copies of an operand whose lines and steps are at constant distances, as a layout says.</summary>
struct LayoutCopy<TLayout> : IOperandCopy<LayoutCopy<TLayout>> where TLayout : struct, IOperandLayout
{
    public OperandCopy Copy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LayoutCopy<TLayout> Stage(
        SharedBytes shared, uint stage, LayoutCopy<TLayout> copy, int lines, int threads, int elementBytes) =>
        new() { Copy = OperandCopy.Stage<TLayout>(shared, stage, copy.Copy, lines, threads, elementBytes) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LayoutCopy<TLayout> Arrived(
        SharedBytes shared, uint stage, LayoutCopy<TLayout> copy, int lines, int threads, int elementBytes) => copy;
}

/// <summary>
/// A thread's part in copying an operand's tiles to shared memory: 1, 2, 3, 4, 6 or 8 chunks of 16 bytes a stage, at
/// constant distances. Chunks outside the operand become zeros. Everything but one addition is done before the loop.
/// </summary>
struct OperandCopy
{
    /// <summary>The thread's first chunk of the next stage, in global memory.</summary>
    public long Source;

    /// <summary>From chunk to chunk of a stage, and from stage to stage, in bytes.</summary>
    public long Between, Advance;

    /// <summary>The first chunk's place in a stage.</summary>
    public uint Target;

    /// <summary>
    /// Chunk i, which lies i spans of lines (or steps) further on, is inside if that is less than what remains.
    /// </summary>
    public int Lines, Steps;

    /// <summary>Starts the copies of one stage and moves on to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandCopy Stage<TLayout>(
        SharedBytes shared, uint stage, OperandCopy copy, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout
    {
        int chunks = lines * Tile.StageBytes / 16 / threads, inside = TLayout.Inside(copy);
        Chunk<TLayout>(shared, stage, copy, inside, 0, lines, threads, elementBytes);
        if (chunks > 1) Chunk<TLayout>(shared, stage, copy, inside, 1, lines, threads, elementBytes);
        if (chunks > 2)
        {
            Chunk<TLayout>(shared, stage, copy, inside, 2, lines, threads, elementBytes);
            if (chunks > 3) Chunk<TLayout>(shared, stage, copy, inside, 3, lines, threads, elementBytes);
        }
        if (chunks > 4)
        {
            Chunk<TLayout>(shared, stage, copy, inside, 4, lines, threads, elementBytes);
            Chunk<TLayout>(shared, stage, copy, inside, 5, lines, threads, elementBytes);
        }
        if (chunks > 6)
        {
            Chunk<TLayout>(shared, stage, copy, inside, 6, lines, threads, elementBytes);
            Chunk<TLayout>(shared, stage, copy, inside, 7, lines, threads, elementBytes);
        }
        copy.Source += copy.Advance;
        copy.Steps -= Tile.StageBytes / elementBytes;
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Chunk<TLayout>(
        SharedBytes shared, uint stage, OperandCopy copy, int inside, int i, int lines, int threads, int elementBytes)
        where TLayout : struct, IOperandLayout
    {
        int span = TLayout.Span(lines, threads, elementBytes);
        Ptx.CopyAsync16(
            shared, stage + TLayout.Target(copy.Target, i * span, lines, elementBytes), copy.Source + i * copy.Between,
            i * span < inside ? 16 : 0);
    }
}
