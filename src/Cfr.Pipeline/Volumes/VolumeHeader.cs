using Cfr.Kernels;

namespace Cfr.Pipeline.Volumes;

/// <summary>What a file of a volume says before its voxels: cheap to read, whatever the size of the volume.</summary>
public sealed record VolumeHeader
{
    /// <summary>Where it was read.</summary>
    public required string Path { get; init; }

    /// <summary>NIfTI-1, NIfTI-2, NRRD or HDF5.</summary>
    public required string Format { get; init; }

    /// <summary>Sizes and place of one volume.</summary>
    public required Geometry Geometry { get; init; }

    /// <summary>How many volumes the file holds one behind the other: above 1 for time series and class maps.</summary>
    public int Volumes { get; init; } = 1;

    /// <summary>Type of the stored numbers.</summary>
    public required DType Type { get; init; }

    /// <summary>The most significant byte of a number comes first.</summary>
    public bool BigEndian { get; init; }

    /// <summary>Intensity = stored number * slope + intercept.</summary>
    public double Slope { get; init; } = 1;

    /// <summary>Intensity = stored number * slope + intercept.</summary>
    public double Intercept { get; init; }

    /// <summary>Which of "image" and "label" an HDF5 file holds; empty for other formats.</summary>
    public IReadOnlyList<string> DataSets { get; init; } = [];

    /// <summary>A NIfTI header's codes: 0 unknown, 1 scanner, 2 aligned, 3 Talairach, 4 MNI.</summary>
    public (int Qform, int Sform)? FormCodes => Geometry.Forms is { } forms ? (forms.QformCode, forms.SformCode) : null;

    /// <summary>Where the header contradicts itself or is silent, and what is made of it: a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The number of the volume to read: the one asked for, or the only one.</summary>
    internal int Choose(int? volume)
    {
        if (volume is null && Volumes > 1)
            throw new BadDataException(
                $"{Path}: holds {Volumes} volumes of {Geometry.Size} in a fourth dimension, expected one");
        if (volume < 0 || volume >= Volumes)
            throw new ArgumentException($"{Path}: volume {volume} asked for, expected 0 to {Volumes - 1}");
        return volume ?? 0;
    }
}
