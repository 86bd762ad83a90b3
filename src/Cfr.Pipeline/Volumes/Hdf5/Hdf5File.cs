using System.Buffers.Binary;
using System.Numerics;
using Cfr.Kernels;
using Cfr.Tensors.Files;
using PureHDF;
using PureHDF.Filters;
using PureHDF.Selections;
using PureHDF.VOL.Native;

namespace Cfr.Pipeline.Volumes.Hdf5;

/// <summary>
/// The layout of the published semi-supervised data sets: a data set <c>image</c> and a data set <c>label</c> in the
/// root, both <c>[x, y, z]</c>. The file says nothing of space: voxels count as 1 mm along the world's axes.
/// </summary>
static class Hdf5File
{
    public const string Image = "image", Label = "label";

    const int ChunkBytes = 1 << 20;

    /// <summary>Deflate cannot shrink bytes further than this.</summary>
    const long MostInflated = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'H', (byte)'D', (byte)'F', 13, 10, 26, 10];

    /// <param name="path">Where to read.</param>
    /// <param name="name">The data set; null for "image", or "label" where that is alone.</param>
    public static VolumeHeader ReadHeader(string path, string? name) => Open(path, name, (_, header) => header);

    public static Volume Read(string path, string name) => Open(path, name, (data, header) =>
        new Volume(header.Geometry, header.Type switch
        {
            DType.Float32 => Slabs<float>(data, header.Geometry.Size),
            DType.Float64 => Floats(Slabs<double>(data, header.Geometry.Size)),
            DType.UInt8 => Floats(Slabs<byte>(data, header.Geometry.Size)),
            DType.Int8 => Floats(Slabs<sbyte>(data, header.Geometry.Size)),
            DType.UInt16 => Floats(Slabs<ushort>(data, header.Geometry.Size)),
            DType.Int16 => Floats(Slabs<short>(data, header.Geometry.Size)),
            DType.UInt32 => Floats(Slabs<uint>(data, header.Geometry.Size)),
            DType.Int32 => Floats(Slabs<int>(data, header.Geometry.Size)),
            DType.UInt64 => Floats(Slabs<ulong>(data, header.Geometry.Size)),
            _ => Floats(Slabs<long>(data, header.Geometry.Size)),
        }));

    /// <summary>Deflated, in slabs along x, so that one after the other can be read.</summary>
    public static void Write(string path, Volume? image, LabelMap? labels)
    {
        var file = new H5File();
        if (image is not null) file[Image] = DataSet(image.Voxels, image.Size, sizeof(float));
        if (labels is not null) file[Label] = DataSet(labels.Voxels, labels.Size, sizeof(byte));
        AtomicFile.Write(path, stream => file.Write(stream));
    }

    static H5Dataset DataSet(Array voxels, GridSize size, int bytes)
    {
        long plane = (long)size.Y * size.Z * bytes;
        uint thickness = (uint)Math.Clamp(ChunkBytes / plane, 1, size.X);
        return new H5Dataset(voxels, [thickness, (uint)size.Y, (uint)size.Z],
            fileDims: [(ulong)size.X, (ulong)size.Y, (ulong)size.Z],
            datasetCreation: new H5DatasetCreation(Filters: [DeflateFilter.Id]));
    }

    static T Open<T>(string path, string? name, Func<NativeDataset, VolumeHeader, T> use)
    {
        long length = ExpectWhole(path);
        try
        {
            using NativeFile file = H5File.OpenRead(path);
            string[] names = [.. new[] { Image, Label }.Where(file.LinkExists)];
            name ??= names.FirstOrDefault() ?? Image;
            if (!names.Contains(name)) throw new BadDataException($"{path}: has no data set '{name}', expected one");
            var data = (NativeDataset)file.Dataset(name);
            return use(data, Describe(path, name, data, length) with { DataSets = names });
        }
        catch (Exception error) when (error is not BadDataException)
        {
            string reason = error.Message.ReplaceLineEndings(" ");
            throw new BadDataException($"{path}: its HDF5 structure is damaged or not supported ({reason})", error);
        }
    }

    static VolumeHeader Describe(string path, string name, NativeDataset data, long length)
    {
        string text = string.Join('x', data.Space.Dimensions);
        ulong[] sizes = data.Space.Dimensions;
        if (sizes.Length != 3) throw new BadDataException($"{path}: '{name}' is {text}, expected 3 dimensions");
        DType type = TypeOf(path, name, data.Type);
        ulong most = (ulong)Math.Min(length * MostInflated / type.Bytes(), int.MaxValue), count = 1;
        foreach (ulong size in sizes)
        {
            if (size == 0) throw new BadDataException($"{path}: '{name}' is {text}, expected sizes from 1");
            if (size > most / count)
                throw new BadDataException($"{path}: '{name}' is {text}, more than {length} bytes of file can hold");
            count *= size;
        }
        if (data.Layout.Class == H5DataLayoutClass.Chunked)
        {
            double chunk = data.Layout.Chunks.Aggregate(1.0, (product, size) => product * size);
            if (data.Layout.Chunks.Contains(0ul) || data.Layout.Chunks.Length != 3 || chunk > most)
                throw new BadDataException($"{path}: '{name}' lies in chunks of"
                    + $" {string.Join('x', data.Layout.Chunks)}, expected some that {length} bytes of file can hold");
        }
        return new VolumeHeader
        {
            Path = path,
            Format = "HDF5",
            Geometry = Geometry.Unit(new GridSize((int)sizes[0], (int)sizes[1], (int)sizes[2])),
            Type = type,
        };
    }

    static DType TypeOf(string path, string name, IH5DataType type) => (type.Class, type.Size) switch
    {
        (H5DataTypeClass.FloatingPoint, 4) => DType.Float32,
        (H5DataTypeClass.FloatingPoint, 8) => DType.Float64,
        (H5DataTypeClass.FixedPoint, 1) => type.FixedPoint.IsSigned ? DType.Int8 : DType.UInt8,
        (H5DataTypeClass.FixedPoint, 2) => type.FixedPoint.IsSigned ? DType.Int16 : DType.UInt16,
        (H5DataTypeClass.FixedPoint, 4) => type.FixedPoint.IsSigned ? DType.Int32 : DType.UInt32,
        (H5DataTypeClass.FixedPoint, 8) => type.FixedPoint.IsSigned ? DType.Int64 : DType.UInt64,
        var (kind, size) => throw new BadDataException(
            $"{path}: '{name}' holds {kind} of {size} bytes, expected integers of 1 to 8 bytes or floats of 4 or 8"),
    };

    /// <summary>
    /// Reads in slabs as thick as a chunk. Left to itself the library inflates a chunk again for each row that crosses
    /// it, once the chunks of a row outgrow its cache: fifty times for the LA files.
    /// </summary>
    static T[] Slabs<T>(NativeDataset data, GridSize size)
    {
        var voxels = GC.AllocateUninitializedArray<T>((int)size.Voxels);
        bool chunked = data.Layout.Class == H5DataLayoutClass.Chunked;
        int thickness = chunked ? (int)Math.Min(data.Layout.Chunks[0], (ulong)size.X) : size.X, plane = size.Y * size.Z;
        for (int x = 0; x < size.X; x += thickness)
        {
            int planes = Math.Min(thickness, size.X - x);
            var slab = new HyperslabSelection(3, [(ulong)x, 0, 0], [(ulong)planes, (ulong)size.Y, (ulong)size.Z]);
            ulong count = (ulong)planes * (ulong)plane;
            var access = new H5DatasetAccess("", "", new SlabCache());
            var all = new HyperslabSelection(1, [0], [count]);
            data.Read(access, voxels.AsSpan(x * plane, planes * plane), slab, all, [count]);
        }
        return voxels;
    }

    static float[] Floats<T>(T[] values) where T : INumber<T> => Array.ConvertAll(values, float.CreateTruncating);

    /// <summary>
    /// The length of the file, at least that which its superblock tells.
    /// </summary>
    static long ExpectWhole(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[64];
        int got = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        int version = got == start.Length ? start[8] : -1;
        int offsetBytes = version < 2 ? start[13] : start[9];
        if (version is < 0 or > 3 || offsetBytes != 8)
            throw new BadDataException($"{path}: begins with {Convert.ToHexString(start[..16])},"
                + " expected an HDF5 superblock of version 0 to 3 with 8-byte offsets");
        long end = BinaryPrimitives.ReadInt64LittleEndian(start[(version switch { 0 => 40, 1 => 44, _ => 28 })..]);
        if (end > file.Length)
            throw new BadDataException($"{path}: ends after {file.Length} bytes, expected {end}");
        return file.Length;
    }

    /// <summary>The chunks of one slab, each inflated once.</summary>
    sealed class SlabCache : IReadingChunkCache
    {
        readonly Dictionary<ulong, Memory<byte>> _chunks = [];

        public Memory<byte> GetChunk(ulong index, Func<Memory<byte>> chunkReader)
        {
            if (!_chunks.TryGetValue(index, out Memory<byte> chunk)) _chunks[index] = chunk = chunkReader();
            return chunk;
        }
    }
}
