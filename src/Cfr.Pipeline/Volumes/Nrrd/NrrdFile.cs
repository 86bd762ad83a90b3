using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Volumes.Nrrd;

/// <summary>
/// NRRD: .nrrd, header and voxels in one file, or .nhdr, a header that names the file of the voxels. Raw or gzip are
/// read; written is gzip, in the space LPS, as ITK does.
/// </summary>
static class NrrdFile
{
    public static VolumeHeader ReadHeader(string path)
    {
        using FileStream file = GzipFile.OpenFile(path);
        return Describe(path, NrrdHeader.Parse(path, file));
    }

    /// <param name="path">Where to read.</param>
    /// <param name="volume">Which of several volumes; null expects one alone.</param>
    public static Volume Read(string path, int? volume)
    {
        using FileStream file = GzipFile.OpenFile(path);
        NrrdHeader header = NrrdHeader.Parse(path, file);
        VolumeHeader described = Describe(path, header);
        int chosen = described.Choose(volume);
        if (header.DataFile is not { } voxelPath)
            return GzipFile.Sound(path, () => ReadVoxels(path, file, header, described, chosen));
        if (!File.Exists(voxelPath)) throw new BadDataException($"{path}: its data file {voxelPath} is missing");
        using FileStream voxels = GzipFile.OpenFile(voxelPath);
        return GzipFile.Sound(voxelPath, () => ReadVoxels(voxelPath, voxels, header, described, chosen));
    }

    public static void Write(string path, Volume volume) =>
        Write(path, "float", volume.Geometry, (ReadOnlyMemory<float>)volume.Voxels);

    public static void Write(string path, LabelMap labels) =>
        Write(path, "uint8", labels.Geometry, (ReadOnlyMemory<byte>)labels.Voxels);

    static void Write<T>(string path, string type, Geometry geometry, ReadOnlyMemory<T> voxels) where T : unmanaged
    {
        bool isDetached = path.EndsWith(".nhdr", StringComparison.OrdinalIgnoreCase);
        string dataPath = isDetached ? path[..^".nhdr".Length] + ".raw.gz" : "";
        byte[] header = Encoding.ASCII.GetBytes(Text(type, geometry, Path.GetFileName(dataPath)));
        void WriteVoxels(Stream file) =>
            GzipFile.Compress(file, stream => FileOrder.Write(stream, voxels.Span, geometry.Size));
        if (isDetached) AtomicFile.Write(dataPath, WriteVoxels);
        AtomicFile.Write(path, file =>
        {
            file.Write(header);
            if (!isDetached) WriteVoxels(file);
        });
    }

    static string Text(string type, Geometry geometry, string dataFile)
    {
        GridSize size = geometry.Size;
        string Column(int column) => FormattableString.Invariant(
            $"({-geometry.Affine[0, column]:R},{-geometry.Affine[1, column]:R},{geometry.Affine[2, column]:R})");
        var text = new StringBuilder("NRRD0004\n");
        text.Append(CultureInfo.InvariantCulture, $"type: {type}\ndimension: 3\nsizes: {size.X} {size.Y} {size.Z}\n");
        text.Append("kinds: domain domain domain\nendian: little\nencoding: gzip\n");
        if (geometry.IsOriented)
        {
            text.Append("space: left-posterior-superior\n");
            text.Append($"space directions: {Column(0)} {Column(1)} {Column(2)}\nspace origin: {Column(3)}\n");
        }
        else
        {
            var (x, y, z) = geometry.Spacing;
            text.Append(CultureInfo.InvariantCulture, $"spacings: {x:R} {y:R} {z:R}\n");
        }
        if (dataFile.Length > 0) text.Append($"data file: {dataFile}\n");
        return text.Append(dataFile.Length > 0 ? "" : "\n").ToString();
    }

    static Volume ReadVoxels(string path, FileStream file, NrrdHeader header, VolumeHeader described, int volume)
    {
        GridSize size = described.Geometry.Size;
        long bytes = size.Voxels * described.Type.Bytes(), all = bytes * described.Volumes, skipped = header.ByteSkip;
        SkipLines(path, file, header.LineSkip);
        if (skipped < 0 && header.IsGzip) throw header.Unexpected("byte skip", "0 or more with gzip");
        if (skipped < 0) file.Position = Math.Max(file.Position, file.Length - all);
        using var source = new GzipFile(path, file, header.IsGzip);
        skipped = Math.Max(skipped, 0);
        source.Skip(skipped + volume * bytes);
        using VoxelBytes voxels = VoxelBytes.Read(source.Stream, bytes);
        if (voxels.Length < bytes)
            throw new BadDataException($"{path}: ends after {voxels.Length} of {bytes} bytes of voxels"
                + $" ({size}, {described.Type})");
        source.Skip((described.Volumes - 1 - volume) * bytes);
        source.ExpectEnd(skipped + all);
        if (described.BigEndian) voxels.Swap(described.Type.Bytes());
        return new Volume(described.Geometry, FileOrder.Decode(voxels, described.Type, 1, 0, size));
    }

    static void SkipLines(string path, FileStream file, int lines)
    {
        while (lines > 0)
        {
            int next = file.ReadByte();
            if (next < 0) throw new BadDataException($"{path}: ends before {lines} more lines to skip");
            if (next == '\n') lines--;
        }
    }

    static VolumeHeader Describe(string path, NrrdHeader header)
    {
        var notes = new List<string>();
        DType type = header.Type;
        var (geometry, volumes) = NrrdGrid.Of(header, notes);
        return new VolumeHeader
        {
            Path = path,
            Format = "NRRD",
            Geometry = geometry,
            Volumes = volumes,
            Type = type,
            BigEndian = header.BigEndian,
            Notes = notes,
        };
    }
}
