using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>How an axis of a box walks through a grid: its index i is the grid's index Start + i Step.</summary>
/// <param name="Axis">The grid's axis: 0, 1 or 2.</param>
/// <param name="Start">Where index 0 lies, perhaps outside the grid.</param>
/// <param name="Step">1; -1 where the box is mirrored; 0 where one place repeats.</param>
/// <param name="Count">Size of the box.</param>
public readonly record struct GridWalk(int Axis, int Start, int Step, int Count)
{
    /// <summary>The box's indices [From, To) that lie in the grid.</summary>
    internal (int From, int To) Inside(int size)
    {
        (int from, int to) = Step switch
        {
            > 0 => (-Start, size - Start),
            < 0 => (Start - size + 1, Start + 1),
            _ => Start >= 0 && Start < size ? (0, Count) : (0, 0),
        };
        from = Math.Clamp(from, 0, Count);
        return (from, Math.Clamp(to, from, Count));
    }
}

/// <summary>A box of a grid <c>[X, Y, Z, ..]</c>, perhaps turned, mirrored, or hanging over the edge.</summary>
public readonly record struct GridBox(GridWalk X, GridWalk Y, GridWalk Z)
{
    /// <summary>The part of the box that lies in the grid, as a copy between the two, and where it begins in each.</summary>
    internal (StridedCopy Copy, long InGrid, long InBox) Inside(Shape grid, bool toGrid)
    {
        Shape box = Of(grid);
        Span<long> sizes = stackalloc long[4], gridStrides = stackalloc long[4], boxStrides = stackalloc long[4];
        (sizes[3], gridStrides[3], boxStrides[3]) = (grid[3..].Count, 1, 1);
        long inGrid = 0, inBox = 0;
        ReadOnlySpan<GridWalk> walks = [X, Y, Z];
        for (int axis = 0; axis < 3; axis++)
        {
            GridWalk walk = walks[axis];
            long stride = grid.Stride(walk.Axis);
            var (from, to) = walk.Inside(grid[walk.Axis]);
            (sizes[axis], gridStrides[axis], boxStrides[axis]) = (to - from, walk.Step * stride, box.Stride(axis));
            inGrid += (walk.Start + (long)from * walk.Step) * stride;
            inBox += from * boxStrides[axis];
        }
        StridedCopy copy = toGrid
            ? StridedCopy.Along(sizes, boxStrides, gridStrides)
            : StridedCopy.Along(sizes, gridStrides, boxStrides);
        return (copy, inGrid, inBox);
    }

    /// <summary>Throws unless it is a box of grids of this shape; one to be written to repeats no place.</summary>
    internal void Check(string op, Shape grid, bool isTarget = false)
    {
        if (grid.Rank < 3) throw new ArgumentException($"{op}: a grid has at least three axes, this one is {grid}");
        ReadOnlySpan<GridWalk> walks = [X, Y, Z];
        int seen = 0;
        foreach (GridWalk walk in walks)
        {
            if (walk.Step is < -1 or > 1 || walk.Step == 0 && isTarget)
                throw new ArgumentException($"{op}: {walk} steps by {walk.Step}; expected 1 or -1{(isTarget ? "" : " or 0")}");
            if (walk.Count < 0) throw new ArgumentException($"{op}: {walk} has a negative size");
            seen |= walk.Axis is >= 0 and < 3 ? 1 << walk.Axis : 0;
        }
        if (seen != 7) throw new ArgumentException($"{op}: {this} does not walk along each of the axes 0, 1 and 2");
    }

    /// <summary>Its shape: that of the grid but for the first three axes.</summary>
    internal Shape Of(Shape grid) => [X.Count, Y.Count, Z.Count, .. grid[3..]];
}

/// <summary>
/// Boxes of grids <c>[X, Y, Z, ..]</c>: patches of volumes, windows of a scan. Element (i, j, k) of a box is what the
/// grid has where the walks of its axes are at i, j and k, and 0 outside the grid. No gradient flows through them.
/// </summary>
public static class BoxOps
{
    /// <summary>Boxes of one size, each of a grid of its own: <c>[N, x, y, z, ..]</c>.</summary>
    /// <exception cref="ArgumentException">There is none, or its sizes or walks are no box of these grids.</exception>
    public static Tensor Boxes(this Session session, params ReadOnlySpan<(Tensor Grid, GridBox Box)> boxes)
    {
        if (boxes.IsEmpty) throw new ArgumentException($"{nameof(Boxes)}: there is no box");
        foreach (var (grid, box) in boxes) box.Check(nameof(Boxes), grid.Shape);
        Tensor first = boxes[0].Grid;
        Shape size = boxes[0].Box.Of(first.Shape);
        Tensor y = session.Empty([boxes.Length, .. size], first.DType);
        for (int n = 0; n < boxes.Length; n++)
        {
            var (grid, box) = boxes[n];
            Session.Common(nameof(Boxes), y, grid);
            Expect.Type(nameof(Boxes), nameof(grid), grid, first.DType);
            if (box.Of(grid.Shape) != size) throw Expect.Mismatch(nameof(Boxes), nameof(grid), grid, $"one with boxes {size}");
            var (copy, inGrid, inBox) = box.Inside(grid.Shape, toGrid: false);
            View target = y.View.Slice(n * size.Count, size.Count);
            // The bits of 0 are those of 0f.
            if (copy.Count < size.Count) session.Device.ElementWise.Fill(target, 0);
            session.Device.Layout.Copy(copy, grid.View.Slice(inGrid), target.Slice(inBox));
            GC.KeepAlive(grid);
        }
        return y;
    }

    /// <summary>Adds what a box <c>[x, y, z, ..]</c> holds to the grid, in place; what lies outside is left out.</summary>
    /// <exception cref="ArgumentException">The values do not fill the box, or several of them belong to one place.</exception>
    public static void AddBox(this Tensor grid, GridBox box, Tensor values)
    {
        Expect.Type(nameof(AddBox), nameof(grid), grid, DType.Float32);
        Put(nameof(AddBox), grid, box, values, accumulate: true);
    }

    /// <summary>Overwrites that part of the grid.</summary>
    /// <exception cref="ArgumentException">The values do not fill the box, or several of them belong to one place.</exception>
    public static void SetBox(this Tensor grid, GridBox box, Tensor values) =>
        Put(nameof(SetBox), grid, box, values, accumulate: false);

    static void Put(string op, Tensor grid, GridBox box, Tensor values, bool accumulate)
    {
        Session session = Session.Common(op, grid, values);
        box.Check(op, grid.Shape, isTarget: true);
        Expect.Type(op, nameof(values), values, grid.DType);
        if (values.Shape != box.Of(grid.Shape)) throw Expect.Mismatch(op, nameof(values), values, $"{box.Of(grid.Shape)}");
        var (copy, inGrid, inBox) = box.Inside(grid.Shape, toGrid: true);
        grid.Overwriting();
        session.Device.Layout.Copy(copy, values.View.Slice(inBox), grid.View.Slice(inGrid), accumulate);
        GC.KeepAlive(grid);
        GC.KeepAlive(values);
    }
}
