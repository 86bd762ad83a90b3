using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// An operand of a product, seen from the sum: the rows of A or the columns of B are lines, the index that is summed
/// over is the step. Element (line, step) lies at <c>line * LineStride + step * StepStride</c>; one of the strides is
/// 1.
/// </summary>
readonly unsafe record struct Lines(nint Address, long LineStride, long StepStride)
{
    public Lines(float* data, long lineStride, long stepStride) : this((nint)data, lineStride, stepStride) { }

    public float* At(long line, long step) => (float*)Address + line * LineStride + step * StepStride;

    /// <summary>The same elements with lines and steps exchanged.</summary>
    public Lines Across => new(Address, StepStride, LineStride);

    /// <summary>The rows of the left operand of a product.</summary>
    public static Lines OfRows(Matrix a, long batch) => a.Transposed
        ? new(a.Data.Floats + batch * a.BatchStride, 1, a.RowStride)
        : new(a.Data.Floats + batch * a.BatchStride, a.RowStride, 1);

    /// <summary>The columns of the right operand of a product.</summary>
    public static Lines OfColumns(Matrix b, long batch) => OfRows(b.T, batch);
}

/// <summary>
/// Copies a strip of lines into the order in which the micro-kernel reads it: <c>panel[step * width + line]</c>. Lines
/// that the operand does not have are zeros. Packing moves 8 bytes per element, each of which then serves a whole row
/// of tiles.
/// </summary>
static unsafe class Panels
{
    const int LinesAtOnce = 64;

    public static void Pack(Lines source, long line, int lines, long step, int steps, int width, float* panel)
    {
        float* from = source.At(line, step);
        if (lines < width)
            PackPart(from, source, lines, steps, width, panel);
        else if (source.LineStride == 1)
            CopySteps(from, source.StepStride, steps, 1, width, panel);
        else
            Transpose(from, source.LineStride, steps, width, panel);
    }

    /// <summary>Packs lines into as many strips as they fill, one after the other.</summary>
    public static void PackStrips(Lines source, long line, int lines, long step, int steps, int width, float* panels)
    {
        int done = 0, strips = LinesAtOnce / width;
        if (source.LineStride == 1)
        {
            for (; done + strips * width <= lines; done += strips * width)
                CopySteps(
                    source.At(line + done, step), source.StepStride, steps, strips, width, panels + (long)done * steps);
        }
        for (; done < lines; done += width)
            Pack(source, line + done, Math.Min(width, lines - done), step, steps, width, panels + (long)done * steps);
    }

    /// <summary>Packs all strips of an operand.</summary>
    public static void PackAll(Lines source, int lines, int steps, int width, float* panels) =>
        PackStrips(source, 0, lines, 0, steps, width, panels);

    static void PackPart(float* from, Lines source, int lines, int steps, int width, float* panel)
    {
        for (int step = 0; step < steps; step++, panel += width)
        {
            float* element = from + step * source.StepStride;
            for (int line = 0; line < lines; line++) panel[line] = element[line * source.LineStride];
            for (int line = lines; line < width; line++) panel[line] = 0;
        }
    }

    /// <summary>
    /// Lines are neighbours in memory: a step is one copy to each strip. Several strips at once read whole runs of
    /// memory. The width is even.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void CopySteps(float* from, long stepStride, int steps, int strips, int width, float* panels)
    {
        for (int step = 0; step < steps; step++, from += stepStride)
        {
            float* source = from;
            for (int strip = 0; strip < strips; strip++, source += width)
            {
                float* panel = panels + ((long)strip * steps + step) * width;
                int line = 0;
                for (; line + 4 <= width; line += 4) Vector128.Load(source + line).Store(panel + line);
                if (line < width) Unsafe.WriteUnaligned(panel + line, Unsafe.ReadUnaligned<long>(source + line));
            }
        }
    }

    /// <summary>
    /// Steps are neighbours in memory: blocks of 4 lines by 4 steps are transposed in registers. Where the width is no
    /// multiple of 4, the last block overlaps the one before and writes the same values again. The width is at least 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Transpose(float* from, long lineStride, int steps, int width, float* panel)
    {
        int step = 0;
        for (; step + 4 <= steps; step += 4)
        {
            for (int line = 0; line < width; line += 4)
            {
                int first = Math.Min(line, width - 4);
                TransposeBlock(from + first * lineStride + step, lineStride, panel + (long)step * width + first, width);
            }
        }
        for (; step < steps; step++)
            for (int line = 0; line < width; line++)
                panel[(long)step * width + line] = from[line * lineStride + step];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void TransposeBlock(float* from, long stride, float* to, int width)
    {
        if (!Sse.IsSupported)
        {
            for (int line = 0; line < 4; line++)
                for (int step = 0; step < 4; step++)
                    to[step * width + line] = from[line * stride + step];
            return;
        }
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + stride);
        Vector128<float> c = Vector128.Load(from + 2 * stride), d = Vector128.Load(from + 3 * stride);
        Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d);
        Sse.MoveLowToHigh(ab, cd).Store(to);
        Sse.MoveHighToLow(cd, ab).Store(to + width);
        ab = Sse.UnpackHigh(a, b);
        cd = Sse.UnpackHigh(c, d);
        Sse.MoveLowToHigh(ab, cd).Store(to + 2 * width);
        Sse.MoveHighToLow(cd, ab).Store(to + 3 * width);
    }
}
