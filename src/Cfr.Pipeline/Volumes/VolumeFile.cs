using Cfr.Pipeline.Volumes.Hdf5;
using Cfr.Pipeline.Volumes.Nifti;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Reads and writes volumes: NIfTI-1 and -2 (.nii, .nii.gz, .hdr/.img), NRRD (.nrrd, .nhdr) and the HDF5 layout of the
/// published semi-supervised data sets (.h5). What a file is, its first bytes tell; how it is written, its name.
/// </summary>
/// <remarks>
/// All of these throw <see cref="BadDataException"/> for a file that is none of them, or damaged, and
/// <see cref="IOException"/> for one that cannot be opened. A file is written whole or not at all.
/// </remarks>
public static class VolumeFile
{
    /// <summary>What the file says before its voxels.</summary>
    public static VolumeHeader ReadHeader(string path) => FormatOf(path) switch
    {
        Format.Hdf5 => Hdf5File.ReadHeader(path, Hdf5File.Image),
        _ => NiftiFile.ReadHeader(path),
    };

    /// <summary>Reads intensities, scaled as the header says, in float32. Of an HDF5 file: the data set "image".</summary>
    /// <param name="path">Where to read.</param>
    /// <param name="volume">Which of several volumes (a time series); null expects one alone.</param>
    public static Volume Read(string path, int? volume = null) => FormatOf(path) switch
    {
        Format.Hdf5 => Hdf5File.Read(path, Hdf5File.Image),
        _ => NiftiFile.Read(path, volume),
    };

    /// <summary>Reads classes: whole numbers from 0 to 255. Of an HDF5 file: the data set "label".</summary>
    public static LabelMap ReadLabels(string path) => LabelMap.From(path, FormatOf(path) switch
    {
        Format.Hdf5 => Hdf5File.Read(path, Hdf5File.Label),
        _ => NiftiFile.Read(path, null),
    });

    /// <summary>Writes intensities as float32.</summary>
    public static void Write(string path, Volume volume) => NiftiFile.Write(path, volume);

    /// <summary>Writes classes as bytes.</summary>
    public static void Write(string path, LabelMap labels) => NiftiFile.Write(path, labels);

    /// <summary>Writes maps <c>[X, Y, Z, count]</c>, the class fastest, as a NIfTI file of four dimensions.</summary>
    public static void WriteMaps(string path, Geometry geometry, float[] maps, int count) =>
        NiftiFile.WriteMaps(path, geometry, maps, count);

    static Format FormatOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[8];
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.StartsWith(Hdf5File.Signature)) return Format.Hdf5;
        if (start.StartsWith(GzipFile.Magic) || (start.Length >= 4 && NiftiHeader.Begins(start))) return Format.Nifti;
        throw new BadDataException(
            $"{path}: begins with {Convert.ToHexString(start)}, expected a NIfTI, NRRD or HDF5 file");
    }

    enum Format { Nifti, Nrrd, Hdf5 }
}
