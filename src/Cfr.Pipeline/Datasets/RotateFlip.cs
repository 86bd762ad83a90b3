using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// The augmentation of the published left-atrium and BraTS training code: a rotation by <paramref name="Quarters"/>
/// times 90 degrees in the plane of axes 0 and 1, then a flip along <paramref name="Axis"/> (0 or 1). A quarter turn is
/// out[i, j] = in[j, n1 - 1 - i], n1 the size of axis 1. One flip is always there, so the eight draws are the four
/// reflections of the square, each twice; the identity never occurs.
/// </summary>
public readonly record struct RotateFlip(int Quarters, int Axis)
{
    /// <summary>One of the eight, all equally likely.</summary>
    public static RotateFlip Draw(RandomNumbers random) => new(random.Below(4), random.Below(2));

    /// <summary>Size of the result: an odd number of quarters swaps the first two.</summary>
    public GridSize Of(GridSize size) => int.IsOddInteger(Quarters) ? new(size.Y, size.X, size.Z) : size;

    /// <summary>Where out[i, j] comes from: the indices (x, y) into a volume of this size.</summary>
    internal (int X, int Y) Source(GridSize size, int i, int j)
    {
        GridSize turned = Of(size);
        if (Axis == 0) i = turned.X - 1 - i;
        else j = turned.Y - 1 - j;
        return Quarters switch
        {
            0 => (i, j),
            1 => (j, size.Y - 1 - i),
            2 => (size.X - 1 - i, size.Y - 1 - j),
            _ => (size.X - 1 - j, i),
        };
    }
}
