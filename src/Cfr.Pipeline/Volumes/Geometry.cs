using Cfr.Pipeline.Volumes.Nifti;

namespace Cfr.Pipeline.Volumes;

/// <summary>Sizes of a scan and where its voxels lie.</summary>
public sealed record Geometry(GridSize Size, Affine Affine)
{
    /// <summary>A grid of 1 mm voxels along the world's axes: files that say nothing of space.</summary>
    public static Geometry Unit(GridSize size) => new(size, Affine.Scaling(1, 1, 1)) { IsOriented = false };

    /// <summary>Size of a voxel in mm along the array's axes.</summary>
    public (double X, double Y, double Z) Spacing => (Affine.Spacing(0), Affine.Spacing(1), Affine.Spacing(2));

    /// <summary>Where the array's axes point.</summary>
    public Orientation Orientation => Orientation.Of(Affine);

    /// <summary>Whether the file said where its axes point; if not, the affine's directions are a convention.</summary>
    public bool IsOriented { get; init; } = true;

    /// <summary>
    /// What the NIfTI header said of space, word for word, if the grid comes from one: a file written with this
    /// geometry says the same, and so lies on its input in every program.
    /// </summary>
    internal NiftiForms? Forms { get; init; }

    /// <summary>Another grid in the same space.</summary>
    internal Geometry Moved(GridSize size, Affine affine) =>
        new(size, affine) { IsOriented = IsOriented, Forms = Forms?.For(affine) };

    /// <summary>Same sizes, same affine.</summary>
    public bool Equals(Geometry? other) => other is not null && Size == other.Size && Affine.Equals(other.Affine);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Size, Affine);
}
