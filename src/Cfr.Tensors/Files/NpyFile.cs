using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// NumPy's .npy format: a magic string, a version, the length of the header, the header (a Python literal with the
/// element type, the order and the shape), then the elements.
/// </summary>
public static class NpyFile
{
    const int VersionAt = 6, LengthAt = 8;
    const int Alignment = 64;
    const int LongestHeader = 1 << 20;

    static readonly (string Code, DType Type)[] Types =
    [
        ("f8", DType.Float64), ("f4", DType.Float32), ("f2", DType.Float16),
        ("i8", DType.Int64), ("i4", DType.Int32), ("i2", DType.Int16), ("i1", DType.Int8),
        ("u8", DType.UInt64), ("u4", DType.UInt32), ("u2", DType.UInt16), ("u1", DType.UInt8), ("b1", DType.Bool),
    ];

    /// <summary>Writes one tensor, atomically. NumPy keeps no names.</summary>
    /// <exception cref="ArgumentException">bfloat16, which NumPy does not have.</exception>
    public static void Write(string path, TensorToStore tensor)
    {
        byte[] header = Header(tensor);
        AtomicFile.Write(path, stream => WriteTo(stream, header, tensor));
    }

    internal static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    internal static void WriteTo(Stream stream, byte[] header, TensorToStore tensor)
    {
        stream.Write(header);
        tensor.WriteTo(stream);
    }

    internal static byte[] Header(TensorToStore tensor)
    {
        string? code = Types.FirstOrDefault(type => type.Type == tensor.Type).Code
            ?? throw new ArgumentException($"tensor '{tensor.Name}': NumPy has no type {tensor.Type}", nameof(tensor));
        string order = tensor.Type.Bytes() == 1 ? "|" : "<";
        string shape = string.Concat(tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture) + ", "));
        string literal = $"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': ({shape}), }}";
        int start = LengthAt + sizeof(ushort);
        int total = (start + literal.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var header = new byte[total];
        header.AsSpan().Fill((byte)' ');
        Magic.CopyTo(header);
        header[VersionAt] = 1;
        header[VersionAt + 1] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(LengthAt), (ushort)(total - start));
        Encoding.ASCII.GetBytes(literal, header.AsSpan(start));
        header[^1] = (byte)'\n';
        return header;
    }

    internal static StoredTensor Read(FileBytes bytes, string name)
    {
        int version = bytes.Length >= LengthAt + sizeof(uint) ? bytes.Span(0, LengthAt)[VersionAt] : 0;
        if (version is < 1 or > 3 || !bytes.Span(0, Magic.Length).SequenceEqual(Magic))
            throw Invalid(bytes, name, "expected the header of a .npy file, version 1 to 3");
        int start = LengthAt + (version == 1 ? sizeof(ushort) : sizeof(uint));
        ReadOnlySpan<byte> lengthField = bytes.Span(LengthAt, start - LengthAt);
        long length = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(lengthField)
            : BinaryPrimitives.ReadUInt32LittleEndian(lengthField);
        long longest = Math.Min(LongestHeader, bytes.Length - start);
        if (length > longest)
            throw Invalid(bytes, name, $"found a .npy header of {length} bytes, expected at most {longest}");
        string literal = (version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(bytes.Span(start, (int)length));
        if (NpyHeader.Parse(literal) is not { } header)
            throw Invalid(bytes, name, $"found .npy header {literal.Trim()}, expected descr, fortran_order and shape");
        return Read(bytes.Slice(start + length, bytes.Length - start - length), name, header);
    }

    static StoredTensor Read(FileBytes data, string name, NpyHeader header)
    {
        if (TypeOf(header.ElementType) is not { } type)
            throw Invalid(data, name, $"found element type '{header.ElementType}', expected numbers or bool");
        bool bigEndian = header.ElementType[0] == '>';
        if (!TensorShape.TryCount(header.Shape, type.Bytes(), out long count))
            throw Invalid(data, name, $"shape {TensorShape.Text(header.Shape)} is not possible");
        if (data.Length != count * type.Bytes())
            throw Invalid(data, name, $"found {data.Length} data bytes, expected {count * type.Bytes()}"
                + $" for {type} {TensorShape.Text(header.Shape)}");
        if (!header.ColumnMajor) return StoredTensor.Contiguous(name, type, header.Shape, count, data, bigEndian);
        long[] strides = TensorShape.Strides(header.Shape, columnMajor: true);
        return StoredTensor.Strided(name, type, header.Shape, count, data, strides, 0, bigEndian);
    }

    /// <summary>Byte order, kind and bytes: "&lt;f4", "&gt;i2", "|u1".</summary>
    static DType? TypeOf(string elementType)
    {
        foreach (var (code, type) in Types)
            if (elementType.Length == 3 && elementType.EndsWith(code, StringComparison.Ordinal)
                && (elementType[0] is '<' or '>' || (elementType[0] == '|' && type.Bytes() == 1)))
                return type;
        return null;
    }

    static WeightFileException Invalid(FileBytes bytes, string name, string reason) =>
        bytes.File.Invalid($"tensor '{name}': {reason}");
}
