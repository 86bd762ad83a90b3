namespace Cfr.Kernels.Profiling;

/// <summary><see cref="ILayout"/> with its time and cost noted.</summary>
sealed class ProfiledLayout(ILayout layout, Profiler profiler) : ILayout
{
    public void Copy(StridedCopy copy, View source, View target, bool accumulate = false)
    {
        string sizes = string.Join('x', Enumerable.Range(0, copy.Rank).Select(axis => copy.Sizes[axis]));
        using (profiler.Call("copy", sizes, 0, (double)copy.Count * source.Type.Bytes() * (accumulate ? 3 : 2)))
            layout.Copy(copy, source, target, accumulate);
    }

    public void Gather(long rows, int width, View table, View index, View y)
    {
        using (profiler.Call("gather", $"{rows}x{width}", 0, View.Bytes(index, y, y)))
            layout.Gather(rows, width, table, index, y);
    }

    public void ScatterAdd(long rows, int width, long tableRows, View dy, View index, View dTable)
    {
        using (profiler.Call("scatter-add", $"{rows}x{width}", 0, View.Bytes(dy, index, dTable)))
            layout.ScatterAdd(rows, width, tableRows, dy, index, dTable);
    }
}
