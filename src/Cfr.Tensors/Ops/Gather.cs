using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Rows of a table: y[.., :] = table[index[..], :].   table [R, C..], index int32 [..] -> y [.., C..]
///   dTable[r] = sum of dy over all places where index = r
/// A table of labels (int32) has no gradient.
/// </summary>
public static class GatherOp
{
    /// <summary>The rows that the indices name.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is not in [0, R).</exception>
    public static Tensor Gather(this Tensor table, Tensor index)
    {
        Session session = Session.Common(nameof(Gather), table, index);
        Expect.Type(nameof(Gather), nameof(index), index, DType.Int32);
        if (table.Rank == 0) throw Expect.Mismatch(nameof(Gather), nameof(table), table, "[R, ..]");
        Shape before = table.Shape;
        int width = checked((int)before[1..].Count);
        Tensor y = session.Empty([.. index.Shape, .. before[1..]], table.DType);
        session.Device.Layout.Gather(index.Count, width, table.View, index.View, y.View);
        return y.Record(nameof(Gather), [table], keep: [index], backward: g => g.Add(0, () =>
        {
            Tensor dTable = session.Empty(before), rows = g.Kept(0);
            session.Device.Layout.ScatterAdd(rows.Count, width, before[0], g.OfResult.View, rows.View, dTable.View);
            return dTable;
        }));
    }
}
