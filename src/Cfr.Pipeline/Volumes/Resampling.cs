namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Scans on a coarser or finer grid. Along an axis of n voxels of s mm the new grid has n' = max(1, round(n s / s'))
/// voxels of exactly s' mm, and the middle of both grids is the same point of the world: voxel i' of the new grid lies
/// at <c>i = (i' - (n' - 1) / 2) s' / s + (n - 1) / 2</c> of the old. The ends may differ by up to half a new voxel,
/// alike on both sides; what lies beyond the last voxel has its value. An axis that has the spacing already stays as it
/// is. Intensities are interpolated linearly, without smoothing before; classes are those of the nearest voxel.
/// </summary>
public static class Resampling
{
    const double SameSpacing = 1e-5;

    /// <summary>On voxels of the given size in mm along the array's axes.</summary>
    /// <exception cref="ArgumentException">A spacing not above 0, or too many voxels.</exception>
    public static Volume Resample(this Volume volume, (double X, double Y, double Z) spacing) =>
        volume.ResampleLike(Grid(volume.Geometry, spacing));

    /// <inheritdoc cref="Resample(Volume, ValueTuple{double, double, double})"/>
    public static LabelMap Resample(this LabelMap labels, (double X, double Y, double Z) spacing) =>
        labels.ResampleLike(Grid(labels.Geometry, spacing));

    /// <summary>On a grid whose axes point the same ways: the way back from <c>Resample</c>.</summary>
    /// <exception cref="ArgumentException">The axes of the grids do not point the same ways.</exception>
    public static Volume ResampleLike(this Volume volume, Geometry grid)
    {
        if (volume.Geometry.Equals(grid)) return new Volume(grid, volume.Voxels);
        Line[] lines = Lines(volume.Geometry, grid);
        return new Volume(grid, Linear(volume.Voxels, volume.Size, grid.Size, lines));
    }

    /// <inheritdoc cref="ResampleLike(Volume, Geometry)"/>
    public static LabelMap ResampleLike(this LabelMap labels, Geometry grid)
    {
        if (labels.Geometry.Equals(grid)) return new LabelMap(grid, labels.Voxels);
        Line[] lines = Lines(labels.Geometry, grid);
        return new LabelMap(grid, Nearest(labels.Voxels, labels.Size, grid.Size, lines));
    }

    /// <summary>The grid that <c>Resample</c> goes to.</summary>
    /// <exception cref="ArgumentException">A spacing not above 0, or too many voxels.</exception>
    public static Geometry Grid(Geometry from, (double X, double Y, double Z) spacing)
    {
        Span<double> wanted = [spacing.X, spacing.Y, spacing.Z];
        Span<int> sizes = [from.Size.X, from.Size.Y, from.Size.Z];
        Span<double> first = stackalloc double[3], steps = stackalloc double[3];
        for (int axis = 0; axis < 3; axis++)
        {
            if (!(wanted[axis] > 0) || !double.IsFinite(wanted[axis]))
                throw new ArgumentException($"a spacing of {Text(spacing)} mm, expected numbers above 0");
            double step = wanted[axis] / from.Affine.Spacing(axis);
            if (Math.Abs(step - 1) < SameSpacing) step = 1;
            double size = Math.Max(1, Math.Round(sizes[axis] / step, MidpointRounding.AwayFromZero));
            first[axis] = (sizes[axis] - 1) / 2.0 - (size - 1) / 2 * step;
            steps[axis] = step;
            sizes[axis] = (int)Math.Min(size, int.MaxValue);
        }
        double count = (double)sizes[0] * sizes[1] * sizes[2];
        if (count > int.MaxValue)
            throw new ArgumentException(
                $"a spacing of {Text(spacing)} mm makes {count:G4} voxels, expected fewer than {int.MaxValue}");
        var step3 = new Affine(steps[0], 0, 0, first[0], 0, steps[1], 0, first[1], 0, 0, steps[2], first[2]);
        return from.Moved(new GridSize(sizes[0], sizes[1], sizes[2]), from.Affine * step3);
    }

    /// <summary>Where the voxels of the new grid lie along each axis of the old.</summary>
    static Line[] Lines(Geometry from, Geometry to)
    {
        Affine step = from.Affine.Inverse() * to.Affine;
        for (int row = 0; row < 3; row++)
            for (int axis = 0; axis < 3; axis++)
                if (row == axis ? step[row, axis] <= 0 : Math.Abs(step[row, axis]) > 1e-4 * Math.Abs(step[axis, axis]))
                    throw new ArgumentException($"grid {from.Size} ({from.Affine}) and grid {to.Size} ({to.Affine}):"
                        + " expected axes that point the same ways");
        return
        [
            new Line(from.Size.X, to.Size.X, step[0, 0], step[0, 3]),
            new Line(from.Size.Y, to.Size.Y, step[1, 1], step[1, 3]),
            new Line(from.Size.Z, to.Size.Z, step[2, 2], step[2, 3]),
        ];
    }

    static float[] Linear(float[] voxels, GridSize from, GridSize to, Line[] lines)
    {
        var result = GC.AllocateUninitializedArray<float>((int)to.Voxels);
        Line xs = lines[0], ys = lines[1], zs = lines[2];
        Parallel.For(0, to.X, () => new float[from.Z], (x, _, row) =>
        {
            for (int y = 0; y < to.Y; y++)
            {
                // The four rows around, mixed into one, then that along z.
                ReadOnlySpan<float> r00 = Row(xs.Before[x], ys.Before[y]), r01 = Row(xs.Before[x], ys.After[y]);
                ReadOnlySpan<float> r10 = Row(xs.After[x], ys.Before[y]), r11 = Row(xs.After[x], ys.After[y]);
                float wx = xs.Weight[x], wy = ys.Weight[y];
                for (int z = 0; z < row.Length; z++)
                {
                    float before = r00[z] + (r01[z] - r00[z]) * wy, after = r10[z] + (r11[z] - r10[z]) * wy;
                    row[z] = before + (after - before) * wx;
                }
                Span<float> target = result.AsSpan((x * to.Y + y) * to.Z, to.Z);
                for (int z = 0; z < target.Length; z++)
                {
                    float before = row[zs.Before[z]];
                    target[z] = before + (row[zs.After[z]] - before) * zs.Weight[z];
                }
            }
            return row;

            ReadOnlySpan<float> Row(int i, int j) => voxels.AsSpan((i * from.Y + j) * from.Z, from.Z);
        }, _ => { });
        return result;
    }

    static byte[] Nearest(byte[] voxels, GridSize from, GridSize to, Line[] lines)
    {
        var result = GC.AllocateUninitializedArray<byte>((int)to.Voxels);
        int[] xs = lines[0].Nearest, ys = lines[1].Nearest, zs = lines[2].Nearest;
        for (int x = 0; x < to.X; x++)
            for (int y = 0; y < to.Y; y++)
            {
                ReadOnlySpan<byte> row = voxels.AsSpan((xs[x] * from.Y + ys[y]) * from.Z, from.Z);
                Span<byte> target = result.AsSpan((x * to.Y + y) * to.Z, to.Z);
                for (int z = 0; z < target.Length; z++) target[z] = row[zs[z]];
            }
        return result;
    }

    static string Text((double X, double Y, double Z) spacing) => $"{spacing.X} x {spacing.Y} x {spacing.Z}";

    /// <summary>For each voxel of a new axis: the old before and after, the share of the latter, the nearest.</summary>
    sealed class Line
    {
        public readonly int[] Before, After, Nearest;
        public readonly float[] Weight;

        public Line(int from, int to, double step, double first)
        {
            (Before, After, Nearest, Weight) = (new int[to], new int[to], new int[to], new float[to]);
            for (int i = 0; i < to; i++)
            {
                double at = Math.Clamp(first + i * step, 0, from - 1);
                // A grid point that rounding has moved off a voxel is that voxel: no NaN of its neighbour comes in.
                if (Math.Abs(at - Math.Round(at)) < 1e-6) at = Math.Round(at);
                Before[i] = (int)at;
                Weight[i] = (float)(at - Before[i]);
                After[i] = Weight[i] == 0 ? Before[i] : Before[i] + 1;
                Nearest[i] = (int)Math.Floor(at + 0.5);
            }
        }
    }
}
