namespace Cfr.Tensors.Files;

/// <summary>Sizes found in files: they are checked for overflow, for nothing in a file can be trusted.</summary>
static class TensorShape
{
    /// <summary>NumPy and PyTorch know no more dimensions.</summary>
    public const int MaxRank = 64;

    /// <summary>
    /// Product of the sizes; false if a size is negative, there are too many, or the bytes of all elements overflow.
    /// </summary>
    public static bool TryCount(ReadOnlySpan<long> shape, int elementBytes, out long count)
    {
        count = 0;
        if (shape.Length > MaxRank || shape.ContainsAnyInRange(long.MinValue, -1)) return false;
        if (shape.Contains(0)) return true;
        long product = 1;
        foreach (long size in shape)
        {
            if (product > long.MaxValue / size) return false;
            product *= size;
        }
        count = product;
        return product <= long.MaxValue / elementBytes;
    }

    /// <summary>Elements between neighbours along each dimension: row-major, or column-major (Fortran).</summary>
    public static long[] Strides(ReadOnlySpan<long> shape, bool columnMajor = false)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            int dimension = columnMajor ? i : shape.Length - 1 - i;
            strides[dimension] = step;
            step *= Math.Max(1, shape[dimension]);
        }
        return strides;
    }

    public static string Text(ReadOnlySpan<long> shape) => "[" + string.Join(", ", shape.ToArray()) + "]";
}
