using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>What sums over columns and passes over channels read and write; each kernel uses what it needs.</summary>
struct ColumnArguments
{
    public ColumnTiling Tiling;
    public long X, Dy, Y, Partials, Mean, Variance, Weight, Bias, Shift, Slope;
    public int Groups, ChannelsOfGroup;
    public float Eps;

    /// <summary>What stands for Dy where that is not stored.</summary>
    public LineProduct Product;
}

/// <summary>Two values that are summed for each of a thread's four columns.</summary>
struct ColumnPair(FourLanes first, FourLanes second)
{
    public FourLanes First = first, Second = second;
}

/// <summary>What is summed: a function of an element of x, of dy, and of constants of its column.</summary>
interface IColumnTerm<T> where T : struct, IColumnTerm<T>
{
    /// <summary>1 or 2.</summary>
    static abstract int Sums { get; }

    static abstract bool ReadsDy { get; }

    /// <summary>dy of a thread's packet of a line, this many bytes behind the operands' addresses.</summary>
    static abstract FourLanes Dy(ColumnArguments a, ColumnThread thread, int packed, long offset, long line);

    /// <summary>The constants of a thread's columns.</summary>
    static abstract T Of(ColumnArguments a, ColumnThread thread);

    /// <summary>The sums with the terms of one line added.</summary>
    ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line);

    /// <summary>What a piece leaves of its sums over so many lines.</summary>
    ColumnPair Result(ColumnPair sums, FourLanes count);
}

/// <summary>x</summary>
struct PlainTerm : IColumnTerm<PlainTerm>
{
    public static int Sums => 1;

    public static bool ReadsDy => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Dy(ColumnArguments a, ColumnThread thread, int packed, long offset, long line) =>
        FourLanes.Splat(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PlainTerm Of(ColumnArguments a, ColumnThread thread) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Add(ColumnPair sums, FourLanes x, FourLanes dy, long line) => new(sums.First + x, sums.Second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ColumnPair Result(ColumnPair sums, FourLanes count) => sums;
}

/// <summary>
/// First stage of sums over columns: each block leaves the sums of its piece, <c>partials [samples, pieces, Sums,
/// T]</c>. A thread adds 32 lines, then such parts, then the threads of a column are added in a tree, so that an
/// element takes part in few additions. 4 bytes an element of each operand, read once, 16 bytes a thread and load;
/// bound by memory.
/// </summary>
static class ColumnSums
{
    const int LinesOfPart = 32, Threads = ColumnTiling.Threads;

    public static void Partial<T>(ColumnArguments a) where T : struct, IColumnTerm<T>
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(4 * Threads);
        var thread = new ColumnThread(a.Tiling);
        T term = T.Of(a, thread);
        FourLanes zero = FourLanes.Splat(0);
        var sums = new ColumnPair(zero, zero);
        int packed = a.Tiling.Packed, blockLines = a.Tiling.BlockLines;
        long step = blockLines * thread.LineBytes, offset = thread.Start;
        for (long line = thread.FirstLine; line < thread.LastLine;)
        {
            long end = line + LinesOfPart * blockLines;
            if (end > thread.LastLine) end = thread.LastLine;
            var part = new ColumnPair(zero, zero);
            for (; line < end; line += 2 * blockLines, offset += 2 * step)
            {
                // Two lines on their way at once; behind the last one, that one again, from the cache.
                bool two = line + blockLines < end;
                long next = two ? offset + step : offset;
                FourLanes x0 = ColumnPacket.Load(a.X + offset, packed), x1 = ColumnPacket.Load(a.X + next, packed);
                FourLanes dy0 = T.Dy(a, thread, packed, offset, line);
                FourLanes dy1 = T.Dy(a, thread, packed, next, two ? line + blockLines : line);
                part = term.Add(part, x0, dy0, line);
                if (two) part = term.Add(part, x1, dy1, line + blockLines);
            }
            sums = new(sums.First + part.First, sums.Second + part.Second);
        }
        if (thread.TailCount > 0)
        {
            FourLanes mask = ColumnPacket.Mask(thread.TailCount);
            FourLanes dy = T.ReadsDy ? ColumnPacket.LoadSome(a.Dy + thread.Tail, thread.TailCount) : zero;
            ColumnPair tail = term.Add(
                new(zero, zero), ColumnPacket.LoadSome(a.X + thread.Tail, thread.TailCount), dy, a.Tiling.Lines);
            sums = new(
                sums.First + FourLanes.Select(mask, tail.First, zero),
                sums.Second + FourLanes.Select(mask, tail.Second, zero));
        }

        sums.First = AcrossLines(shared, a.Tiling, thread, sums.First);
        if (T.Sums == 2) sums.Second = AcrossLines(shared, a.Tiling, thread, sums.Second);
        if (!thread.Active || thread.Line > 0) return;
        FourLanes count = FourLanes.Splat(a.Tiling.LinesOf(thread.Piece)) + ColumnPacket.Mask(thread.TailCount);
        sums = term.Result(sums, count);
        long target = a.Partials + 16L * ((long)Grid.IdxX * T.Sums * a.Tiling.Columns + thread.Column);
        sums.First.StoreTo(target);
        if (T.Sums == 2) sums.Second.StoreTo(target + thread.LineBytes);
    }

    /// <summary>The sum over the threads of a column, in the one of line 0. All threads must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes AcrossLines(ArrayView<float> shared, ColumnTiling tiling, ColumnThread thread, FourLanes value)
    {
        int half = 1;
        while (2 * half < tiling.BlockLines) half *= 2;
        Store(shared, Group.IdxX, value);
        for (int lines = tiling.BlockLines; half > 0; lines = half, half /= 2)
        {
            Group.Barrier();
            if (thread.Line + half >= lines || thread.Line >= half) continue;
            value += Load(shared, Group.IdxX + half * tiling.TileColumns);
            Store(shared, Group.IdxX, value);
        }
        Group.Barrier();
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Load(ArrayView<float> shared, int at) => new(
        new(shared[at]), new(shared[at + Threads]), new(shared[at + 2 * Threads]), new(shared[at + 3 * Threads]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(ArrayView<float> shared, int at, FourLanes value)
    {
        shared[at] = value.X.Value;
        shared[at + Threads] = value.Y.Value;
        shared[at + 2 * Threads] = value.Z.Value;
        shared[at + 3 * Threads] = value.W.Value;
    }
}
