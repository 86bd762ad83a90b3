using System.Buffers.Binary;
using Cfr.Kernels;

namespace Cfr.Pipeline.Volumes.Nifti;

/// <summary>
/// The header of NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes), either byte order, of a single file or of a pair
/// .hdr/.img. The first field is the header's length; reversed, it tells the other byte order.
/// </summary>
sealed record NiftiHeader
{
    public const int Bytes1 = 348, Bytes2 = 540;

    static readonly (int Code, DType Type)[] Types =
    [
        (2, DType.UInt8), (4, DType.Int16), (8, DType.Int32), (16, DType.Float32), (64, DType.Float64),
        (256, DType.Int8), (512, DType.UInt16), (768, DType.UInt32), (1024, DType.Int64), (1280, DType.UInt64),
    ];

    public required int Version { get; init; }

    /// <summary>Voxels are in the .img beside this .hdr.</summary>
    public bool IsPair { get; init; }

    public bool BigEndian { get; init; }

    public required DType Type { get; init; }

    public required GridSize Size { get; init; }

    public int Volumes { get; init; } = 1;

    public required long VoxelOffset { get; init; }

    public double Slope { get; init; } = 1;

    public double Intercept { get; init; }

    public required NiftiForms Forms { get; init; }

    /// <summary>Bytes of a single file before its voxels: the header and four bytes that say "no extension".</summary>
    public static int FirstVoxel(int version) => version == 1 ? 352 : 544;

    /// <summary>Whether a file may begin with these bytes (at least four).</summary>
    public static bool Begins(ReadOnlySpan<byte> start)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(start);
        return length is Bytes1 or Bytes2 || BinaryPrimitives.ReverseEndianness(length) is Bytes1 or Bytes2;
    }

    /// <exception cref="BadDataException">It is none, or holds what cannot be.</exception>
    public static NiftiHeader Parse(string path, Stream stream)
    {
        var bytes = new byte[Bytes2];
        int got = stream.ReadAtLeast(bytes.AsSpan(0, Bytes1), Bytes1, throwOnEndOfStream: false);
        if (got < sizeof(int) || !Begins(bytes))
            throw new BadDataException($"{path}: begins with {Convert.ToHexString(bytes.AsSpan(0, 4))},"
                + " expected the header length 348 or 540 of a NIfTI file");
        var fields = new NiftiFields(bytes);
        int length = fields.Version == 1 ? Bytes1 : Bytes2;
        if (got == Bytes1 && length > got)
            got += stream.ReadAtLeast(bytes.AsSpan(got, length - got), length - got, throwOnEndOfStream: false);
        if (got < length) throw new BadDataException($"{path}: ends after {got} bytes, expected a header of {length}");
        return Parse(path, fields);
    }

    static NiftiHeader Parse(string path, NiftiFields fields)
    {
        bool isPair = fields.Magic switch
        {
            "n+1" or "n+2" => false,
            "ni1" or "ni2" => true,
            var other => throw new BadDataException(
                $"{path}: magic '{other}', expected n+{fields.Version} or ni{fields.Version} of NIfTI"),
        };
        var (size, volumes) = SizesOf(path, fields);
        long offset = OffsetOf(path, fields, isPair);
        double slope = fields.Slope, intercept = fields.Intercept;
        if (!double.IsFinite(slope) || slope == 0 || !double.IsFinite(intercept)) (slope, intercept) = (1, 0);
        return new NiftiHeader
        {
            Version = fields.Version,
            IsPair = isPair,
            BigEndian = fields.BigEndian,
            Type = TypeOf(path, fields.DataType),
            Size = size,
            Volumes = volumes,
            VoxelOffset = offset,
            Slope = slope,
            Intercept = intercept,
            Forms = fields.Forms,
        };
    }

    static (GridSize Size, int Volumes) SizesOf(string path, NiftiFields fields)
    {
        long[] dim = fields.Dim;
        if (dim[0] is < 1 or > 7)
            throw new BadDataException($"{path}: {dim[0]} dimensions, expected 3 (or 4 with one volume)");
        long[] sizes = [.. Enumerable.Range(1, 7).Select(axis => axis <= dim[0] ? dim[axis] : 1)];
        string text = string.Join('x', sizes[..(int)dim[0]]);
        long count = 1;
        foreach (long size in sizes)
        {
            if (size < 1) throw new BadDataException($"{path}: dimensions {text}, expected sizes from 1");
            if (size > int.MaxValue / count)
                throw new BadDataException($"{path}: dimensions {text}, expected fewer than {int.MaxValue} voxels");
            count *= size;
        }
        var grid = new GridSize((int)sizes[0], (int)sizes[1], (int)sizes[2]);
        return (grid, (int)(count / grid.Voxels));
    }

    static long OffsetOf(string path, NiftiFields fields, bool isPair)
    {
        int first = isPair ? 0 : FirstVoxel(fields.Version);
        double offset = fields.VoxelOffset;
        if (offset >= first && offset <= 1L << 40 && offset == Math.Floor(offset)) return (long)offset;
        throw new BadDataException($"{path}: vox_offset {offset}, expected a whole number from {first}");
    }

    static DType TypeOf(string path, int code)
    {
        foreach (var (known, type) in Types)
            if (known == code) return type;
        string name = code switch
        {
            1 => "single bits",
            32 or 1792 or 2048 => "complex numbers",
            128 => "RGB colours",
            2304 => "RGBA colours",
            1536 => "128-bit floats",
            _ => "unknown",
        };
        throw new BadDataException($"{path}: datatype {code} ({name}), expected integers or floats of 8 to 64 bits");
    }

    /// <summary>The bytes of a header for a single little-endian file, with the four bytes that follow it.</summary>
    public byte[] ToBytes()
    {
        var fields = new NiftiFields(Version)
        {
            Dim = [Volumes > 1 ? 4 : 3, Size.X, Size.Y, Size.Z, Volumes, 1, 1, 1],
            DataType = Types.First(type => type.Type == Type).Code,
            BitsPerVoxel = Type.Bytes() * 8,
            VoxelOffset = VoxelOffset,
            Slope = Slope,
            Intercept = Intercept,
            Forms = Forms,
            Magic = $"n+{Version}",
        };
        return fields.Bytes;
    }
}
