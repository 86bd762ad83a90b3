namespace Cfr.Pipeline.Volumes.Nifti;

/// <summary>
/// What a NIfTI header says of space, as it stands there. The header can say it three times, and differently; the rule
/// here is the one of nibabel and most viewers:
/// <list type="number">
/// <item>The sform (a matrix), if its code is above 0.</item>
/// <item>Else the qform (a rotation, a shift and pixdim), if its code is above 0.</item>
/// <item>Else pixdim alone: axes along the world's, x to the left, the middle of the grid at 0.</item>
/// </list>
/// A form that cannot be (not finite, axes not independent) is passed over as if its code were 0. The spacing is always
/// that of the affine so chosen, whatever pixdim says. Each disagreement is told in a note.
/// </summary>
sealed record NiftiForms
{
    const double Tolerance = 1e-3;

    /// <summary>1 or 2; a NIfTI-2 header holds doubles and cannot be said in NIfTI-1 without rounding.</summary>
    public int Version { get; init; } = 1;

    public int QformCode { get; init; }

    public int SformCode { get; init; }

    /// <summary>pixdim[0..3]: below 0 for a left-handed qform (z turned round), then the spacing.</summary>
    public required double[] Pixdim { get; init; }

    /// <summary>b, c, d of the unit quaternion a + bi + cj + dk.</summary>
    public double[] Quaternion { get; init; } = [0, 0, 0];

    public double[] Shift { get; init; } = [0, 0, 0];

    /// <summary>The three rows of the sform.</summary>
    public double[] Rows { get; init; } = new double[12];

    /// <summary>xyzt_units: the lower three bits are 1 for metres, 2 for millimetres, 3 for micrometres.</summary>
    public int Units { get; init; } = 2;

    double Millimetres => (Units & 7) switch { 1 => 1000, 3 => 1e-3, _ => 1 };

    /// <summary>
    /// Says an affine as both forms, or as an sform alone where the axes are not at right angles.
    /// </summary>
    /// <param name="affine">The affine to be said.</param>
    /// <param name="code">1 scanner, 2 aligned, 3 Talairach, 4 MNI.</param>
    public static NiftiForms Of(Affine affine, int code = 1)
    {
        double[] spacing = [affine.Spacing(0), affine.Spacing(1), affine.Spacing(2)];
        var forms = new NiftiForms
        {
            SformCode = code,
            Pixdim = [1, .. spacing],
            Rows = [.. Enumerable.Range(0, 12).Select(i => affine[i / 4, i % 4])],
            Shift = [affine[0, 3], affine[1, 3], affine[2, 3]],
        };
        var (quaternion, handedness) = RotationOf(affine, spacing);
        var rigid = forms with { QformCode = code, Quaternion = quaternion, Pixdim = [handedness, .. spacing] };
        return Differ(rigid.Qform(), affine, Tolerance * spacing.Min()) ? forms : rigid;
    }

    /// <summary>The same codes and units for another grid in the same space.</summary>
    public NiftiForms For(Affine affine)
    {
        int code = SformCode > 0 ? SformCode : QformCode > 0 ? QformCode : 1;
        return Of(affine, code) with { Version = Version };
    }

    /// <summary>The affine by the rule above, in millimetres, and what disagrees with it.</summary>
    public Affine Resolve(GridSize size, List<string> notes, out bool isOriented)
    {
        Affine? sform = SformCode > 0 ? Sound(Rows, "sform", notes) : null;
        Affine? qform = QformCode > 0 ? Qform(notes) : null;
        isOriented = sform is not null || qform is not null;
        if (!isOriented) notes.Add("no valid qform or sform: the orientation is a guess");
        Affine affine = sform ?? qform ?? Plain(size);
        if (sform is not null && qform is not null)
            if (Differ(qform, sform, Tolerance * Enumerable.Range(0, 3).Min(sform.Spacing)))
                notes.Add($"qform ({qform}) differs from sform ({sform}): the sform is used");
        double[] pixdim = [.. Pixdim[1..].Select(value => Math.Abs(value) * Millimetres)];
        double[] spacing = [affine.Spacing(0), affine.Spacing(1), affine.Spacing(2)];
        if (Enumerable.Range(0, 3).Any(axis => !(Math.Abs(pixdim[axis] - spacing[axis]) <= Tolerance * spacing[axis])))
            notes.Add($"pixdim {Text(pixdim)} differs from the affine's spacing {Text(spacing)}: the affine is used");
        if (Millimetres != 1) notes.Add($"lengths in {((Units & 7) == 1 ? "metres" : "micrometres")}: read as mm");
        return affine;
    }

    Affine Qform() => Qform([]) ?? throw new InvalidOperationException("a rotation has no matrix");

    Affine? Qform(List<string> notes)
    {
        double b = Quaternion[0], c = Quaternion[1], d = Quaternion[2];
        double rest = 1 - (b * b + c * c + d * d), a = 0;
        if (rest >= 1e-7) a = Math.Sqrt(rest);
        else (b, c, d) = (b / Math.Sqrt(1 - rest), c / Math.Sqrt(1 - rest), d / Math.Sqrt(1 - rest));
        double[] steps = [Step(1), Step(2), Pixdim[0] < 0 ? -Step(3) : Step(3)];
        return Sound(
        [
            (a * a + b * b - c * c - d * d) * steps[0], 2 * (b * c - a * d) * steps[1],
            2 * (b * d + a * c) * steps[2], Shift[0],
            2 * (b * c + a * d) * steps[0], (a * a + c * c - b * b - d * d) * steps[1],
            2 * (c * d - a * b) * steps[2], Shift[1],
            2 * (b * d - a * c) * steps[0], 2 * (c * d + a * b) * steps[1],
            (a * a + d * d - b * b - c * c) * steps[2], Shift[2],
        ], "qform", notes);
    }

    Affine Plain(GridSize size)
    {
        double x = Step(1) * Millimetres, y = Step(2) * Millimetres, z = Step(3) * Millimetres;
        return new Affine(
            -x, 0, 0, x * (size.X - 1) / 2, 0, y, 0, -y * (size.Y - 1) / 2, 0, 0, z, -z * (size.Z - 1) / 2);
    }

    /// <summary>A spacing of 0 (or none at all) counts as 1, as in the NIfTI library.</summary>
    double Step(int axis) => double.IsFinite(Pixdim[axis]) && Pixdim[axis] != 0 ? Math.Abs(Pixdim[axis]) : 1;

    Affine? Sound(double[] rows, string name, List<string> notes)
    {
        if (rows.All(double.IsFinite))
        {
            var affine = new Affine([.. rows.Select(value => value * Millimetres)]);
            if (affine.IsInvertible) return affine;
        }
        notes.Add($"{name} {Text(rows)} has no three independent axes: it is passed over");
        return null;
    }

    static bool Differ(Affine first, Affine second, double tolerance) =>
        Enumerable.Range(0, 12).Any(i => !(Math.Abs(first[i / 4, i % 4] - second[i / 4, i % 4]) <= tolerance));

    /// <summary>The unit quaternion of the columns' directions, the third turned where they are left-handed.</summary>
    static (double[] Quaternion, double Handedness) RotationOf(Affine affine, double[] spacing)
    {
        double R(int row, int column) => affine[row, column] / spacing[column];
        double handedness = affine.Determinant < 0 ? -1 : 1;
        double xx = R(0, 0), yy = R(1, 1), zz = R(2, 2) * handedness;
        double xz = R(0, 2) * handedness, yz = R(1, 2) * handedness;
        // Each line is 4 times the component squared; the largest is the one to divide by.
        double[] squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 + yy - xx - zz, 1 + zz - xx - yy];
        int largest = Array.IndexOf(squares, squares.Max());
        double s = 2 * Math.Sqrt(squares[largest]);
        double ab = R(2, 1) - yz, ac = xz - R(2, 0), ad = R(1, 0) - R(0, 1);
        double bc = R(1, 0) + R(0, 1), bd = xz + R(2, 0), cd = yz + R(2, 1);
        double[] q = largest switch
        {
            0 => [s / 4, ab / s, ac / s, ad / s],
            1 => [ab / s, s / 4, bc / s, bd / s],
            2 => [ac / s, bc / s, s / 4, cd / s],
            _ => [ad / s, bd / s, cd / s, s / 4],
        };
        double sign = q[0] < 0 ? -1 : 1;
        return ([q[1] * sign, q[2] * sign, q[3] * sign], handedness);
    }

    static string Text(double[] values) => string.Join(' ', values.Select(value => value.ToString("G6")));
}
