namespace Cfr.Tensors;

/// <summary>
/// A table of relative positions (MViTv2 eq. 4, as in SAM) written out for the places of an axis. One of another length
/// than 2 size - 1 is resampled along its rows, linearly (<see cref="ResizeOp"/>).
///   R[a, b] = T[a - b + size - 1]      T [rows, C] -> R [size, size, C]
///   dT = sums of dR, through <see cref="GatherOp"/> and <see cref="ResizeOp"/>
/// </summary>
public static class RelativeTableOp
{
    /// <summary>The rows of the table for each pair of places along an axis of that size.</summary>
    public static Tensor RelativeTable(this Tensor table, int size)
    {
        Expect.Shape(nameof(RelativeTable), nameof(table), table, Expect.Any, Expect.Any);
        using Scope scope = table.Session.Scope();
        int[] index = [.. Enumerable.Range(0, size * size).Select(i => i / size - i % size + size - 1)];
        int rows = table.Size(0), width = table.Size(1), needed = 2 * size - 1;
        if (rows != needed) table = table.Reshape(1, rows, 1, width).Resize([needed, 1]).Reshape(needed, width);
        return scope.Return(table.Gather(table.Session.Labels(index, [size, size])));
    }
}
