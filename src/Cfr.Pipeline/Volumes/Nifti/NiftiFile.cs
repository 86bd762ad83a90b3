using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Volumes.Nifti;

/// <summary>
/// NIfTI-1 and NIfTI-2 (https://nifti.nimh.nih.gov): .nii and .nii.gz, or a header .hdr with its voxels in an .img.
/// Read in either byte order; written little-endian, as one file.
/// </summary>
static class NiftiFile
{
    /// <summary>Whether this is the .img of a pair, which begins with voxels: its .hdr tells what it is.</summary>
    public static bool IsVoxelsOfPair(string path) => HeaderPath(path) != path && File.Exists(HeaderPath(path));

    public static VolumeHeader ReadHeader(string path)
    {
        using var file = new GzipFile(path = HeaderPath(path));
        return Describe(path, GzipFile.Sound(path, () => NiftiHeader.Parse(path, file.Stream)));
    }

    /// <param name="path">Where to read.</param>
    /// <param name="volume">Which of several volumes; null expects one alone.</param>
    public static Volume Read(string path, int? volume)
    {
        string headerPath = HeaderPath(path);
        return GzipFile.Sound(headerPath, () =>
        {
            using var file = new GzipFile(headerPath);
            NiftiHeader header = NiftiHeader.Parse(headerPath, file.Stream);
            VolumeHeader described = Describe(headerPath, header);
            int chosen = described.Choose(volume);
            Geometry grid = described.Geometry;
            if (!header.IsPair) return ReadVoxels(headerPath, file, header, grid, chosen, BytesBefore(header));
            string voxelPath = VoxelPath(headerPath);
            using var voxels = new GzipFile(voxelPath);
            return GzipFile.Sound(voxelPath, () => ReadVoxels(voxelPath, voxels, header, grid, chosen, 0));
        });
    }

    public static void Write(string path, Volume volume) =>
        Write(path, DType.Float32, volume.Geometry, (ReadOnlyMemory<float>)volume.Voxels, 1);

    public static void Write(string path, LabelMap labels) =>
        Write(path, DType.UInt8, labels.Geometry, (ReadOnlyMemory<byte>)labels.Voxels, 1);

    /// <summary>Maps of an array <c>[X, Y, Z, count]</c> as a fourth dimension.</summary>
    public static void WriteMaps(string path, Geometry geometry, ReadOnlyMemory<float> maps, int count) =>
        Write(path, DType.Float32, geometry, maps, count);

    static void Write<T>(string path, DType type, Geometry geometry, ReadOnlyMemory<T> voxels, int count)
        where T : unmanaged
    {
        GridSize size = geometry.Size;
        NiftiForms forms = geometry.Forms ?? NiftiForms.Of(geometry.Affine);
        bool large = Math.Max(Math.Max(size.X, size.Y), Math.Max(size.Z, count)) > short.MaxValue;
        int version = large ? 2 : forms.Version;
        var header = new NiftiHeader
        {
            Version = version,
            Type = type,
            Size = size,
            Volumes = count,
            VoxelOffset = NiftiHeader.FirstVoxel(version),
            Forms = forms,
        };
        AtomicFile.Write(path, file =>
        {
            if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) GzipFile.Compress(file, WriteAll);
            else WriteAll(file);
        });

        void WriteAll(Stream stream)
        {
            stream.Write(header.ToBytes());
            for (int map = 0; map < count; map++) FileOrder.Write(stream, voxels.Span, size, count, map);
        }
    }

    static Volume ReadVoxels(
        string path, GzipFile file, NiftiHeader header, Geometry geometry, int volume, long position)
    {
        long bytes = geometry.Size.Voxels * header.Type.Bytes();
        file.Skip(header.VoxelOffset - position + volume * bytes);
        using VoxelBytes voxels = VoxelBytes.Read(file.Stream, bytes);
        if (voxels.Length < bytes)
            throw new BadDataException($"{path}: ends after {voxels.Length} of {bytes} bytes of voxels"
                + $" ({geometry.Size}, {header.Type})");
        file.Skip((header.Volumes - 1 - volume) * bytes);
        file.ExpectEnd(header.VoxelOffset + header.Volumes * bytes);
        if (header.BigEndian) voxels.Swap(header.Type.Bytes());
        return new Volume(
            geometry, FileOrder.Decode(voxels, header.Type, header.Slope, header.Intercept, geometry.Size));
    }

    static VolumeHeader Describe(string path, NiftiHeader header)
    {
        var notes = new List<string>();
        Affine affine = header.Forms.Resolve(header.Size, notes, out bool isOriented);
        return new VolumeHeader
        {
            Path = path,
            Format = $"NIfTI-{header.Version}",
            Geometry = new Geometry(header.Size, affine) { Forms = header.Forms, IsOriented = isOriented },
            Volumes = header.Volumes,
            Type = header.Type,
            BigEndian = header.BigEndian,
            Slope = header.Slope,
            Intercept = header.Intercept,
            Notes = notes,
        };
    }

    static int BytesBefore(NiftiHeader header) => header.Version == 1 ? NiftiHeader.Bytes1 : NiftiHeader.Bytes2;

    static string HeaderPath(string path) => Exchange(path, ".img", ".hdr");

    static string VoxelPath(string path)
    {
        string other = Exchange(path, ".hdr", ".img");
        return other != path
            ? other
            : throw new BadDataException(
                $"{path}: a header without voxels (magic ni1 or ni2), expected a name that ends in .hdr");
    }

    static string Exchange(string path, string from, string to)
    {
        foreach (string ending in (string[])["", ".gz"])
            if (path.EndsWith(from + ending, StringComparison.OrdinalIgnoreCase))
                return path[..^(from + ending).Length] + to + ending;
        return path;
    }
}
