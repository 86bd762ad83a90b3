using System.Buffers.Binary;
using System.Text.Json;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// The safetensors format: 8 bytes header length N (little-endian), N bytes JSON, then the data.
/// <code>
/// { "__metadata__": { "key": "value" }, "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, ... }
/// </code>
/// Offsets count from the end of the header; the tensors must cover the data without holes, overlaps or remainder.
/// </summary>
public static class SafetensorsFile
{
    internal const int LengthBytes = sizeof(long);
    const int LongestHeader = 100_000_000;
    const int Alignment = 8;

    static readonly (string Name, DType Type)[] Types =
    [
        ("F64", DType.Float64), ("F32", DType.Float32), ("F16", DType.Float16), ("BF16", DType.BFloat16),
        ("I64", DType.Int64), ("I32", DType.Int32), ("I16", DType.Int16), ("I8", DType.Int8),
        ("U64", DType.UInt64), ("U32", DType.UInt32), ("U16", DType.UInt16), ("U8", DType.UInt8), ("BOOL", DType.Bool),
    ];

    /// <summary>
    /// Writes tensors, each name once, atomically. In the data wide elements come first, so that all are aligned; the
    /// header keeps the order given.
    /// </summary>
    /// <exception cref="ArgumentException">A name occurs twice or is <c>__metadata__</c>.</exception>
    public static void Write(
        string path, IReadOnlyList<TensorToStore> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        TensorToStore[] inDataOrder = [.. tensors.OrderByDescending(tensor => tensor.Type.Bytes())];
        byte[] header = Header(tensors, inDataOrder, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[LengthBytes];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (TensorToStore tensor in inDataOrder) tensor.WriteTo(stream);
        });
    }

    internal static (List<StoredTensor> Tensors, Dictionary<string, string> Metadata) Read(MappedFile file)
    {
        long length = BinaryPrimitives.ReadInt64LittleEndian(file.Span(0, LengthBytes));
        long longest = Math.Min(LongestHeader, file.Length - LengthBytes);
        if (length < 0 || length > longest)
            throw file.Invalid($"safetensors header: found {(ulong)length} bytes, expected at most {longest}");
        return SafetensorsHeader.Parse(file, LengthBytes, (int)length);
    }

    internal static DType? TypeOf(string name)
    {
        foreach (var (known, type) in Types)
            if (known == name) return type;
        return null;
    }

    internal static string TypeNames => string.Join(", ", Types.Select(type => type.Name));

    static byte[] Header(
        IReadOnlyList<TensorToStore> tensors,
        TensorToStore[] inDataOrder,
        IReadOnlyDictionary<string, string>? metadata)
    {
        var begins = new Dictionary<string, long>();
        long end = 0;
        foreach (TensorToStore tensor in inDataOrder)
        {
            if (tensor.Name == SafetensorsHeader.MetadataKey || !begins.TryAdd(tensor.Name, end))
                throw new ArgumentException($"name '{tensor.Name}' occurs twice or is reserved", nameof(tensors));
            end = checked(end + tensor.ByteLength);
        }
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            foreach (TensorToStore tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", Types.First(type => type.Type == tensor.Type).Name);
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begins[tensor.Name]);
                json.WriteNumberValue(begins[tensor.Name] + tensor.ByteLength);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (bytes.Length % Alignment != 0) bytes.WriteByte((byte)' ');
        return bytes.ToArray();
    }
}
