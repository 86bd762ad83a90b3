using System.Buffers.Binary;
using System.Text;

namespace Cfr.Pipeline.Volumes.Nifti;

/// <summary>
/// The fields of a NIfTI header in its bytes. Both versions hold the same, at other places and in other widths: a
/// property reads and writes one, whatever the version and the byte order.
/// </summary>
sealed class NiftiFields
{
    const string Signature2 = "\r\n\u001a\n";

    readonly byte[] _bytes;

    /// <summary>Of a file: <paramref name="bytes"/> begin with a header's length in either byte order.</summary>
    public NiftiFields(byte[] bytes)
    {
        _bytes = bytes;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        BigEndian = length is not (NiftiHeader.Bytes1 or NiftiHeader.Bytes2);
        Version = (BigEndian ? BinaryPrimitives.ReverseEndianness(length) : length) == NiftiHeader.Bytes1 ? 1 : 2;
    }

    /// <summary>New and empty, little-endian.</summary>
    public NiftiFields(int version)
    {
        _bytes = new byte[NiftiHeader.FirstVoxel(version)];
        Version = version;
        SetInt(0, 0, 4, 4, version == 1 ? NiftiHeader.Bytes1 : NiftiHeader.Bytes2);
    }

    public int Version { get; }

    public bool BigEndian { get; }

    public byte[] Bytes => _bytes;

    /// <summary>The three letters of the magic, or what stands there.</summary>
    public string Magic
    {
        get
        {
            ReadOnlySpan<byte> magic = _bytes.AsSpan(Version == 1 ? 344 : 4, Version == 1 ? 4 : 8);
            string tail = Version == 1 ? "\0" : "\0" + Signature2;
            string text = Encoding.Latin1.GetString(magic);
            bool known = text[3..] == tail && text[2] == '0' + Version;
            return known ? text[..3] : Convert.ToHexString(magic);
        }
        init
        {
            string text = value + '\0' + (Version == 1 ? "" : Signature2);
            Encoding.Latin1.GetBytes(text, _bytes.AsSpan(Version == 1 ? 344 : 4));
        }
    }

    /// <summary>The number of dimensions, then their sizes.</summary>
    public long[] Dim
    {
        get => [.. Enumerable.Range(0, 8).Select(i => Int(40 + 2 * i, 16 + 8 * i, 2, 8))];
        init
        {
            for (int i = 0; i < 8; i++) SetInt(40 + 2 * i, 16 + 8 * i, 2, 8, value[i]);
        }
    }

    public int DataType
    {
        get => (int)Int(70, 12, 2, 2);
        init => SetInt(70, 12, 2, 2, value);
    }

    public int BitsPerVoxel
    {
        init => SetInt(72, 14, 2, 2, value);
    }

    public double VoxelOffset
    {
        get => Version == 1 ? Float(108, 0) : Int(0, 168, 0, 8);
        init
        {
            if (Version == 1) SetFloat(108, 0, value);
            else SetInt(0, 168, 0, 8, (long)value);
        }
    }

    public double Slope
    {
        get => Float(112, 176);
        init => SetFloat(112, 176, value);
    }

    public double Intercept
    {
        get => Float(116, 184);
        init => SetFloat(116, 184, value);
    }

    public NiftiForms Forms
    {
        get => new()
        {
            Version = Version,
            QformCode = (int)Int(252, 344, 2, 4),
            SformCode = (int)Int(254, 348, 2, 4),
            Units = Version == 1 ? _bytes[123] : (int)Int(0, 500, 0, 4),
            Pixdim = Floats(76, 104, 4),
            Quaternion = Floats(256, 352, 3),
            Shift = Floats(268, 376, 3),
            Rows = Floats(280, 400, 12),
        };
        init
        {
            SetInt(252, 344, 2, 4, value.QformCode);
            SetInt(254, 348, 2, 4, value.SformCode);
            SetInt(123, 500, 1, 4, value.Units);
            SetFloats(76, 104, [.. value.Pixdim, 1, 1, 1, 1]);
            SetFloats(256, 352, value.Quaternion);
            SetFloats(268, 376, value.Shift);
            SetFloats(280, 400, value.Rows);
        }
    }

    /// <summary>A whole number at one place of NIfTI-1 and another of NIfTI-2, and its widths there.</summary>
    long Int(int at1, int at2, int width1, int width2)
    {
        int at = Version == 1 ? at1 : at2, width = Version == 1 ? width1 : width2;
        Span<byte> bytes = stackalloc byte[8];
        _bytes.AsSpan(at, width).CopyTo(bytes);
        if (BigEndian) bytes[..width].Reverse();
        long value = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        int unused = 64 - 8 * width;
        return value << unused >> unused;
    }

    void SetInt(int at1, int at2, int width1, int width2, long value)
    {
        int at = Version == 1 ? at1 : at2, width = Version == 1 ? width1 : width2;
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        bytes[..width].CopyTo(_bytes.AsSpan(at));
    }

    double Float(int at1, int at2)
    {
        if (Version == 2)
            return BigEndian
                ? BinaryPrimitives.ReadDoubleBigEndian(_bytes.AsSpan(at2))
                : BinaryPrimitives.ReadDoubleLittleEndian(_bytes.AsSpan(at2));
        return BigEndian
            ? BinaryPrimitives.ReadSingleBigEndian(_bytes.AsSpan(at1))
            : BinaryPrimitives.ReadSingleLittleEndian(_bytes.AsSpan(at1));
    }

    double[] Floats(int at1, int at2, int count) =>
        [.. Enumerable.Range(0, count).Select(i => Float(at1 + 4 * i, at2 + 8 * i))];

    void SetFloat(int at1, int at2, double value)
    {
        if (Version == 2) BinaryPrimitives.WriteDoubleLittleEndian(_bytes.AsSpan(at2), value);
        else BinaryPrimitives.WriteSingleLittleEndian(_bytes.AsSpan(at1), (float)value);
    }

    void SetFloats(int at1, int at2, double[] values)
    {
        for (int i = 0; i < values.Length; i++) SetFloat(at1 + 4 * i, at2 + 8 * i, values[i]);
    }
}
