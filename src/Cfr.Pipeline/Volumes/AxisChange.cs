namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Another order and direction of the array's axes: axis a of the result is axis <c>Source(a)</c> of the original, from
/// its end to its beginning if turned. Voxels stay where they are in the world.
/// </summary>
readonly struct AxisChange
{
    const int Tile = 16;

    readonly int[] _sources;
    readonly bool[] _turned;

    AxisChange(int[] sources, bool[] turned) => (_sources, _turned) = (sources, turned);

    public static AxisChange Between(Orientation from, Orientation to)
    {
        var sources = new int[3];
        var turned = new bool[3];
        for (int axis = 0; axis < 3; axis++)
        {
            sources[axis] = Enumerable.Range(0, 3).First(source => from.WorldAxis(source) == to.WorldAxis(axis));
            turned[axis] = from.IsNegative(sources[axis]) != to.IsNegative(axis);
        }
        return new AxisChange(sources, turned);
    }

    /// <summary>Between two grids of the same voxels.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static AxisChange Between(Geometry from, Geometry to)
    {
        Affine step = from.Affine.Inverse() * to.Affine;
        var sources = new int[3];
        var turned = new bool[3];
        for (int axis = 0; axis < 3; axis++)
        {
            int column = axis;
            sources[axis] = Enumerable.Range(0, 3).MaxBy(row => Math.Abs(step[row, column]));
            turned[axis] = step[sources[axis], axis] < 0;
        }
        var change = new AxisChange(sources, turned);
        if (sources.Order().SequenceEqual([0, 1, 2]))
        {
            Geometry there = change.Apply(from);
            if (there.Size == to.Size && there.Affine.IsNear(to.Affine)) return change;
        }
        throw new ArgumentException($"grid {from.Size} ({from.Affine}) and grid {to.Size} ({to.Affine}):"
            + " expected the same voxels in another order");
    }

    public Geometry Apply(Geometry from)
    {
        Span<int> sizes = [from.Size.X, from.Size.Y, from.Size.Z];
        Affine affine = from.Affine;
        var rows = new double[12];
        for (int row = 0; row < 3; row++)
        {
            rows[row * 4 + 3] = affine[row, 3];
            for (int axis = 0; axis < 3; axis++)
            {
                int source = _sources[axis];
                double step = affine[row, source];
                rows[row * 4 + axis] = _turned[axis] ? -step : step;
                if (_turned[axis]) rows[row * 4 + 3] += step * (sizes[source] - 1);
            }
        }
        return from.Moved(new GridSize(sizes[_sources[0]], sizes[_sources[1]], sizes[_sources[2]]), new Affine(rows));
    }

    public T[] Apply<T>(T[] voxels, GridSize from)
    {
        int[] sizes = [from.X, from.Y, from.Z], strides = [from.Y * from.Z, from.Z, 1];
        Span<int> to = [sizes[_sources[0]], sizes[_sources[1]], sizes[_sources[2]]], step = stackalloc int[3];
        int first = 0;
        for (int axis = 0; axis < 3; axis++)
        {
            int stride = strides[_sources[axis]];
            step[axis] = _turned[axis] ? -stride : stride;
            if (_turned[axis]) first += stride * (to[axis] - 1);
        }
        var result = GC.AllocateUninitializedArray<T>(voxels.Length);
        // In tiles: wherever the neighbours of a voxel lie in the original, they are still in the cache.
        for (int x0 = 0; x0 < to[0]; x0 += Tile)
            for (int y0 = 0; y0 < to[1]; y0 += Tile)
                for (int z0 = 0; z0 < to[2]; z0 += Tile)
                    for (int x = x0; x < Math.Min(x0 + Tile, to[0]); x++)
                        for (int y = y0; y < Math.Min(y0 + Tile, to[1]); y++)
                        {
                            int source = first + x * step[0] + y * step[1] + z0 * step[2];
                            int target = (x * to[1] + y) * to[2] + z0, length = Math.Min(Tile, to[2] - z0);
                            for (int z = 0; z < length; z++, source += step[2]) result[target + z] = voxels[source];
                        }
        return result;
    }
}
