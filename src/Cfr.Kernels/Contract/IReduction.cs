namespace Cfr.Kernels;

/// <summary>Reductions over the middle axis of <c>[Outer, Middle, Inner]</c>; sums have a fixed order.</summary>
public interface IReduction
{
    /// <summary>y[o, i] = scale * sum over m of x[o, m, i]; adds to y when <paramref name="accumulate"/>.</summary>
    void Sum(long outer, long middle, long inner, View x, View y, float scale = 1, bool accumulate = false);

    /// <summary>
    /// y[o, i] = max over m of x[o, m, i], and the first index m where it stands (int32; none if not wanted).
    /// </summary>
    void Max(long outer, long middle, long inner, View x, View y, View index);

    /// <summary>dx[o, m, i] = dy[o, i] where m = index[o, i], else 0.</summary>
    void MaxBackward(long outer, long middle, long inner, View dy, View index, View dx);

    /// <summary>index[o, i] (int32) = the first m at which x[o, m, i] is largest; NaN beats all.</summary>
    void ArgMax(long outer, long middle, long inner, View x, View index);
}
