using Cfr.Pipeline.Volumes.Hdf5;
using Cfr.Pipeline.Volumes.Nifti;
using Cfr.Pipeline.Volumes.Nrrd;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Reads and writes volumes: NIfTI-1 and -2 (.nii, .nii.gz, .hdr/.img), NRRD (.nrrd, .nhdr) and the HDF5 layout of the
/// published semi-supervised data sets (.h5). What a file is, its first bytes tell; how it is written, its name.
/// </summary>
/// <remarks>
/// Reading throws <see cref="BadDataException"/> for a file that is none of these, or damaged, and
/// <see cref="IOException"/> for one that cannot be opened. A file is written whole or not at all, and the same
/// contents are the same bytes.
/// </remarks>
public static class VolumeFile
{
    /// <summary>Whether a file begins as one of these formats does.</summary>
    public static bool IsVolume(string path) => Recognize(path, StartOf(path)) is not null;

    /// <summary>What the file says before its voxels. Of an HDF5 file: of "image", or of "label" alone.</summary>
    public static VolumeHeader ReadHeader(string path) => FormatOf(path) switch
    {
        Format.Hdf5 => Hdf5File.ReadHeader(path, null),
        Format.Nrrd => NrrdFile.ReadHeader(path),
        _ => NiftiFile.ReadHeader(path),
    };

    /// <summary>What a file of labels says before its voxels. Of an HDF5 file: of the data set "label".</summary>
    public static VolumeHeader ReadLabelHeader(string path) =>
        FormatOf(path) == Format.Hdf5 ? Hdf5File.ReadHeader(path, Hdf5File.Label) : ReadHeader(path);

    /// <summary>Reads intensities, scaled as the header says. Of an HDF5 file: the data set "image".</summary>
    /// <param name="path">Where to read.</param>
    /// <param name="volume">Which of several volumes (a time series); null expects one alone.</param>
    public static Volume Read(string path, int? volume = null) => FormatOf(path) switch
    {
        Format.Hdf5 => Hdf5File.Read(path, Hdf5File.Image),
        Format.Nrrd => NrrdFile.Read(path, volume),
        _ => NiftiFile.Read(path, volume),
    };

    /// <summary>Reads classes: whole numbers from 0 to 255. Of an HDF5 file: the data set "label".</summary>
    public static LabelMap ReadLabels(string path) =>
        LabelMap.From(path, FormatOf(path) == Format.Hdf5 ? Hdf5File.Read(path, Hdf5File.Label) : Read(path));

    /// <summary>Writes intensities as float32: .nii, .nii.gz, .nrrd, .nhdr or .h5 ("image").</summary>
    /// <exception cref="ArgumentException">The name has none of these endings.</exception>
    public static void Write(string path, Volume volume)
    {
        switch (FormatFor(path))
        {
            case Format.Hdf5: Hdf5File.Write(path, volume, null); break;
            case Format.Nrrd: NrrdFile.Write(path, volume); break;
            default: NiftiFile.Write(path, volume); break;
        }
    }

    /// <summary>Writes classes as bytes: .nii, .nii.gz, .nrrd, .nhdr or .h5 ("label").</summary>
    /// <exception cref="ArgumentException">The name has none of these endings.</exception>
    public static void Write(string path, LabelMap labels)
    {
        switch (FormatFor(path))
        {
            case Format.Hdf5: Hdf5File.Write(path, null, labels); break;
            case Format.Nrrd: NrrdFile.Write(path, labels); break;
            default: NiftiFile.Write(path, labels); break;
        }
    }

    /// <summary>Writes a scan and its labels into one HDF5 file. Its readers know nothing of space.</summary>
    /// <exception cref="ArgumentException">The sizes differ, or the name does not end in .h5.</exception>
    public static void WriteCase(string path, Volume image, LabelMap labels)
    {
        if (image.Size != labels.Size)
            throw new ArgumentException($"{path}: image {image.Size} and label {labels.Size}, expected equal sizes");
        if (FormatFor(path) != Format.Hdf5) throw new ArgumentException($"{path}: expected a name that ends in .h5");
        Hdf5File.Write(path, image, labels);
    }

    /// <summary>Writes maps <c>[X, Y, Z, count]</c>, the class fastest, as a NIfTI file of four dimensions.</summary>
    /// <exception cref="ArgumentException">Their number does not fit, or the name is not .nii or .nii.gz.</exception>
    public static void WriteMaps(string path, Geometry geometry, float[] maps, int count)
    {
        if (maps.Length != geometry.Size.Voxels * count)
            throw new ArgumentException($"{path}: {maps.Length} values for {count} maps of {geometry.Size}");
        if (FormatFor(path) != Format.Nifti)
            throw new ArgumentException($"{path}: expected a name that ends in .nii or .nii.gz");
        NiftiFile.WriteMaps(path, geometry, maps, count);
    }

    static Format FormatFor(string path)
    {
        bool Ends(params ReadOnlySpan<string> endings)
        {
            foreach (string ending in endings)
                if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) return true;
            return false;
        }
        return Ends(".nii", ".nii.gz") ? Format.Nifti
            : Ends(".nrrd", ".nhdr") ? Format.Nrrd
            : Ends(".h5", ".hdf5") ? Format.Hdf5
            : throw new ArgumentException($"{path}: expected a name that ends in .nii, .nii.gz, .nrrd, .nhdr or .h5");
    }

    static Format FormatOf(string path)
    {
        byte[] start = StartOf(path);
        if (Recognize(path, start) is { } format) return format;
        string found = start.Length == 0 ? "is empty" : $"begins with {Convert.ToHexString(start)}";
        throw new BadDataException($"{path}: {found}, expected a NIfTI, NRRD or HDF5 file");
    }

    static Format? Recognize(string path, ReadOnlySpan<byte> start)
    {
        if (start.StartsWith(Hdf5File.Signature)) return Format.Hdf5;
        if (start.StartsWith(NrrdHeader.Magic)) return Format.Nrrd;
        bool isImage = NiftiFile.IsVoxelsOfPair(path);
        return isImage || start.StartsWith(GzipFile.Magic) || (start.Length >= 4 && NiftiHeader.Begins(start)) ? Format.Nifti : null;
    }

    static byte[] StartOf(string path)
    {
        if (Directory.Exists(path)) throw new BadDataException($"{path}: is a folder, expected a file");
        using FileStream file = File.OpenRead(path);
        byte[] start = new byte[8];
        return start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
    }

    enum Format { Nifti, Nrrd, Hdf5 }
}
