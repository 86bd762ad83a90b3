namespace Cfr.Tensors;

/// <summary>Views: the same memory under another shape.</summary>
public static class ReshapeOps
{
    /// <summary>The same elements in the same order under another shape; one size may be -1 and is inferred.</summary>
    /// <exception cref="ArgumentException">The sizes do not multiply to the number of elements.</exception>
    public static Tensor Reshape(this Tensor x, params ReadOnlySpan<int> sizes)
    {
        int[] wanted = sizes.ToArray();
        int inferred = Array.IndexOf(wanted, -1);
        if (inferred >= 0)
        {
            long known = 1;
            for (int axis = 0; axis < wanted.Length; axis++)
                if (axis != inferred) known *= wanted[axis];
            wanted[inferred] = known > 0 ? (int)(x.Count / known) : 0;
        }
        Shape shape = Shape.Of(wanted), before = x.Shape;
        if (shape.Count != x.Count)
        {
            throw new ArgumentException(
                $"Reshape: {before} has {x.Count} elements, [{string.Join(", ", sizes.ToArray())}] cannot hold them");
        }
        return x.Alias(shape).Record(nameof(Reshape), [x], keep: [], backward: g =>
            g.Add(0, () => g.OfResult.Alias(before)));
    }

    /// <summary>The same elements under the given shape.</summary>
    public static Tensor Reshape(this Tensor x, Shape shape) => x.Reshape(shape.AsSpan());
}
