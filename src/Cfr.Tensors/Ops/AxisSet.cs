namespace Cfr.Tensors;

/// <summary>Some axes of a shape, as flags.</summary>
static class AxisSet
{
    /// <summary>The given axes; all of them if none is given.</summary>
    public static bool[] Of(string op, Tensor x, ReadOnlySpan<Index> axes)
    {
        bool[] chosen = new bool[x.Rank];
        if (axes.IsEmpty) Array.Fill(chosen, true);
        foreach (Index axis in axes)
        {
            int at = Offset(op, x, axis);
            if (chosen[at]) throw new ArgumentException($"{op}: axis {axis} is given twice");
            chosen[at] = true;
        }
        return chosen;
    }

    /// <summary>The number of an axis, counted from the front.</summary>
    public static int Offset(string op, Tensor x, Index axis)
    {
        int at = axis.GetOffset(x.Rank);
        return at >= 0 && at < x.Rank
            ? at
            : throw new ArgumentException($"{op}: {x.Shape} has no axis {axis}");
    }

    /// <summary>The shape with the chosen axes of size 1.</summary>
    public static Shape WithOnes(Shape shape, bool[] chosen)
    {
        for (int axis = 0; axis < chosen.Length; axis++)
            if (chosen[axis])
                shape = shape.With(axis, 1);
        return shape;
    }
}
