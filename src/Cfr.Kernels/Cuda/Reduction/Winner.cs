using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>The largest of some values and where it stands. The first of equal ones wins; NaN beats all.</summary>
struct Winner(float value, int index)
{
    public float Value = value;
    public int Index = index;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Winner Of(Winner a, Winner b)
    {
        bool aIsNaN = float.IsNaN(a.Value), bIsNaN = float.IsNaN(b.Value);
        bool equal = aIsNaN ? bIsNaN : a.Value == b.Value;
        bool bWins = equal ? b.Index < a.Index : bIsNaN || b.Value > a.Value;
        return bWins ? b : a;
    }

    /// <summary>That of a team's lanes, in each of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Winner AcrossLanes(Winner mine, int lanes)
    {
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            mine = Of(mine, new(Warp.ShuffleXor(mine.Value, distance), Warp.ShuffleXor(mine.Index, distance)));
        }
        return mine;
    }
}

/// <summary>
/// Arguments of <see cref="Maxima"/>. Candidates are the indices that stand beside the values of x after a first
/// stage, 0 for x itself. Y and Index may be 0, not wanted.
/// </summary>
struct MaxArguments
{
    public long X, Candidates, Y, Index, Outputs, Middle, Inner;
    public int Chunks, Lanes;
}

/// <summary>
/// Maxima over the middle axis of <c>[outer, middle, inner]</c>. Rows with inner = 1: some lanes a row. Otherwise in
/// stages: chunk c takes m = c, c + chunks, ..., so that the threads of neighbouring chunks and columns read
/// neighbours, <c>[outer, middle, inner] -> [outer, chunks, inner]</c>, until one chunk is left. 4 bytes an element;
/// bound by memory.
/// </summary>
static unsafe class Maxima
{
    public static void Rows(MaxArguments a)
    {
        var walk = new RowWalk<LanesOfWarp>(a.Lanes);
        for (long first = walk.First(); first < a.Outputs; first += walk.Step())
        {
            long row = walk.Row(first, a.Outputs);
            float* x = (float*)a.X + row * a.Middle;
            int* candidates = (int*)a.Candidates + row * a.Middle;
            int start = walk.Rank < a.Middle ? walk.Rank : 0;
            var best = new Winner(x[start], a.Candidates == 0 ? start : candidates[start]);
            for (int m = start + walk.Size; m < a.Middle; m += walk.Size)
                best = Winner.Of(best, new(x[m], a.Candidates == 0 ? m : candidates[m]));
            best = Winner.AcrossLanes(best, walk.Size);
            if (walk.Rank > 0 || !walk.Mine(first, a.Outputs)) continue;
            if (a.Y != 0) ((float*)a.Y)[row] = best.Value;
            if (a.Index != 0) ((int*)a.Index)[row] = best.Index;
        }
    }

    public static void Stage(MaxArguments a)
    {
        float* x = (float*)a.X;
        int* candidates = (int*)a.Candidates;
        long threads = (long)Grid.DimX * Group.DimX, columns = a.Chunks * a.Inner;
        for (long i = (long)Grid.IdxX * Group.DimX + Group.IdxX; i < a.Outputs; i += threads)
        {
            long outer = i / columns, column = i - outer * columns;
            long at = outer * a.Middle * a.Inner + column;
            int chunk = (int)(column / a.Inner);
            var best = new Winner(x[at], a.Candidates == 0 ? chunk : candidates[at]);
            for (long m = chunk + a.Chunks; m < a.Middle; m += a.Chunks)
            {
                at += columns;
                best = Winner.Of(best, new(x[at], a.Candidates == 0 ? (int)m : candidates[at]));
            }
            if (a.Y != 0) ((float*)a.Y)[i] = best.Value;
            if (a.Index != 0) ((int*)a.Index)[i] = best.Index;
        }
    }
}
