using MathNet.Numerics.LinearAlgebra;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Where voxels lie: world = M (i, j, k, 1), in millimetres, RAS+ (x to the right, y to the front, z to the head), as
/// NIfTI and nibabel have it. Column c of the 3x3 part is the step of array axis c.
/// </summary>
public sealed class Affine : IEquatable<Affine>
{
    readonly double[] _rows;

    /// <summary>From the twelve numbers of the upper three rows, row by row.</summary>
    /// <exception cref="ArgumentException">Not twelve finite numbers.</exception>
    public Affine(params ReadOnlySpan<double> rows)
    {
        if (rows.Length != 12) throw new ArgumentException($"an affine has 12 numbers, got {rows.Length}");
        foreach (double value in rows)
            if (!double.IsFinite(value))
                throw new ArgumentException($"an affine holds {value}; expected finite numbers");
        _rows = rows.ToArray();
    }

    /// <summary>Axes along the world's, the given steps, origin 0.</summary>
    public static Affine Scaling(double x, double y, double z) => new(x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0);

    /// <summary>Element of the 4x4 matrix.</summary>
    public double this[int row, int column] => row < 3 ? _rows[row * 4 + column] : column == 3 ? 1 : 0;

    /// <summary>Length of the step along an array axis: the voxel's size in mm.</summary>
    public double Spacing(int axis) =>
        Math.Sqrt(Enumerable.Range(0, 3).Sum(row => this[row, axis] * this[row, axis]));

    /// <summary>Volume of a voxel in cubic mm, negative where the axes are left-handed.</summary>
    public double Determinant =>
        this[0, 0] * (this[1, 1] * this[2, 2] - this[1, 2] * this[2, 1])
        - this[0, 1] * (this[1, 0] * this[2, 2] - this[1, 2] * this[2, 0])
        + this[0, 2] * (this[1, 0] * this[2, 1] - this[1, 1] * this[2, 0]);

    /// <summary>Whether the three axes have a length and do not lie in a plane, as far as float32 can tell.</summary>
    public bool IsInvertible
    {
        get
        {
            double box = Spacing(0) * Spacing(1) * Spacing(2);
            return double.IsFinite(box) && Math.Abs(Determinant) > 1e-6 * box;
        }
    }

    /// <summary>World coordinates of an array index.</summary>
    public (double X, double Y, double Z) Apply(double i, double j, double k) =>
        (Row(0, i, j, k), Row(1, i, j, k), Row(2, i, j, k));

    /// <summary>This after the other: (this * other)(v) = this(other(v)).</summary>
    public static Affine operator *(Affine first, Affine second) => FromMatrix(first.ToMatrix() * second.ToMatrix());

    /// <summary>The way back, from world to index.</summary>
    /// <exception cref="InvalidOperationException">The axes are not independent.</exception>
    public Affine Inverse()
    {
        if (!IsInvertible) throw new InvalidOperationException($"the affine {this} has no inverse");
        return FromMatrix(ToMatrix().Inverse());
    }

    /// <summary>Whether no voxel of a grid of some hundreds a side would move by a hundredth of itself.</summary>
    internal bool IsNear(Affine other)
    {
        double tolerance = 1e-5 * Math.Min(Spacing(0), Math.Min(Spacing(1), Spacing(2)));
        for (int row = 0; row < 3; row++)
            for (int column = 0; column < 4; column++)
                if (!(Math.Abs(this[row, column] - other[row, column]) <= (column < 3 ? tolerance : 1e3 * tolerance)))
                    return false;
        return true;
    }

    /// <summary>The matrix of right angles nearest to the axes' directions, [row, column].</summary>
    internal double[,] NearestRotation()
    {
        var directions = Matrix<double>.Build.Dense(3, 3, (row, column) => this[row, column] / Spacing(column));
        var svd = directions.Svd();
        return (svd.U * svd.VT).ToArray();
    }

    /// <inheritdoc/>
    public bool Equals(Affine? other) => other is not null && _rows.AsSpan().SequenceEqual(other._rows);

    /// <inheritdoc/>
    public override bool Equals(object? other) => Equals(other as Affine);

    /// <inheritdoc/>
    public override int GetHashCode() => _rows.Aggregate(0, HashCode.Combine);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join("; ", _rows.Chunk(4).Select(row => string.Join(' ', row.Select(value => value.ToString("G6")))));

    double Row(int row, double i, double j, double k) =>
        this[row, 0] * i + this[row, 1] * j + this[row, 2] * k + this[row, 3];

    Matrix<double> ToMatrix() => Matrix<double>.Build.Dense(4, 4, (row, column) => this[row, column]);

    static Affine FromMatrix(Matrix<double> matrix) =>
        new([.. Enumerable.Range(0, 12).Select(i => matrix[i / 4, i % 4])]);
}
