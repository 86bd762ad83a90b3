using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="LayerNormBackward"/>; partials [blocks, groups, 2, width].</summary>
struct LayerNormBackwardArguments
{
    public LayerNormArguments Norm;
    public long Partials;
}

/// <summary>
/// All gradients of a layer norm in one pass over memory: 12 bytes an element. For a few rows at a time, first a team
/// a row finds its two means; then the threads turn and take columns, for dx and for the sums of dy n and dy, which
/// stay in their registers until the end. What the second step reads again is in the cache. A thread has one packet
/// column, so rows have at most four floats for each thread of a block.
/// </summary>
static unsafe class LayerNormBackward
{
    const int MostRows = 256, MeanRow = 0, InverseRow = 1, ShiftRow = 2, SlopeRow = 3;

    /// <summary>Threads that share a column, and so partial sums that a block leaves.</summary>
    public static int Groups(int threads, int columns) => threads / columns;

    public static void Apply(LayerNormBackwardArguments arguments)
    {
        ArrayView<float> scratch = BlockReduce.Scratch(), rows = SharedMemory.Allocate<float>(4 * MostRows);
        LayerNormArguments a = arguments.Norm;
        var walk = new RowWalk<LanesOfWarp>(a.Lanes);
        int teams = walk.Teams, team = walk.Team;
        int groups = Ptx.Hold(Groups(Group.DimX, a.Vectors)), group = Ptx.Hold(Group.IdxX / a.Vectors);
        long at = 16L * (Group.IdxX - group * a.Vectors);
        FourLanes zero = FourLanes.Splat(0), dWeight = zero, dBias = zero;
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = walk.Row(first, a.Rows);
            float mean = ((float*)a.Mean)[row], inverse = ((float*)a.InverseDeviation)[row];
            LayerNorm.RowGradient<LanesOfWarp, FourLanes>(
                a, scratch, walk, row, mean, inverse, out float shift, out float slope);
            if (walk.Rank == 0)
            {
                rows[MeanRow * MostRows + team] = mean;
                rows[InverseRow * MostRows + team] = inverse;
                rows[ShiftRow * MostRows + team] = shift;
                rows[SlopeRow * MostRows + team] = slope;
            }
            Group.Barrier();
            long left = a.Rows - first;
            for (int r = group; group < groups && r < teams && r < left; r += groups)
            {
                long element = (first + r) * a.Width * 4 + at;
                FourLanes dy = FourLanes.LoadFrom(a.Dy + element);
                FourLanes center = FourLanes.Splat(rows[MeanRow * MostRows + r]);
                float inverseOfRow = rows[InverseRow * MostRows + r];
                FourLanes normal = (FourLanes.LoadFrom(a.X + element) - center) * FourLanes.Splat(inverseOfRow);
                dWeight = FourLanes.MultiplyAdd(dy, normal, dWeight);
                dBias += dy;
                FourLanes dx = LayerNorm.InputGradient(
                    a, dy, normal, at, inverseOfRow, rows[ShiftRow * MostRows + r], rows[SlopeRow * MostRows + r]);
                LayerNorm.StoreGradient(a, element, dx);
            }
            Group.Barrier();
        }
        if (group >= groups) return;
        long target = arguments.Partials + ((long)Grid.IdxX * groups + group) * 8 * a.Width + at;
        dWeight.StoreTo(target);
        dBias.StoreTo(target + 4L * a.Width);
    }
}
