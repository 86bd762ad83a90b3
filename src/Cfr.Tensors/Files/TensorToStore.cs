using System.Runtime.InteropServices;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// A tensor on its way into a file. Its elements are asked for when their turn comes and are not kept, so a file may be
/// larger than memory.
/// </summary>
/// <example><code>
/// SafetensorsFile.Write("weights.safetensors", [TensorToStore.Of("scale", [2, 2], new float[] { 1, 2, 3, 4 })]);
/// </code></example>
public sealed class TensorToStore
{
    readonly Action<Stream> _write;

    /// <summary>A tensor whose elements <paramref name="write"/> writes, row-major and little-endian.</summary>
    /// <exception cref="ArgumentException">
    /// A size is negative, there are more than 64, or their product overflows.
    /// </exception>
    public TensorToStore(string name, DType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        if (!TensorShape.TryCount(shape, type.Bytes(), out long count))
            throw new ArgumentException($"tensor '{name}': impossible shape {TensorShape.Text(shape)}", nameof(shape));
        Name = name;
        Type = type;
        Shape = shape.ToArray();
        ByteLength = count * type.Bytes();
        _write = write;
    }

    /// <summary>Name in the file.</summary>
    public string Name { get; }

    /// <summary>Type of the elements.</summary>
    public DType Type { get; }

    internal long[] Shape { get; }

    internal long ByteLength { get; }

    /// <summary>A tensor of numbers in memory, row-major.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the sizes.</exception>
    public static TensorToStore Of<T>(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<T> values)
        where T : unmanaged
    {
        var tensor = new TensorToStore(name, TypeOf<T>(), shape, stream =>
        {
            const int piece = 1 << 20;
            for (int first = 0; first < values.Length; first += piece)
                stream.Write(MemoryMarshal.AsBytes(values.Span.Slice(first, Math.Min(piece, values.Length - first))));
        });
        if (tensor.ByteLength / tensor.Type.Bytes() != values.Length)
            throw new ArgumentException(
                $"tensor '{name}': {values.Length} values do not fill {TensorShape.Text(shape)}", nameof(values));
        return tensor;
    }

    /// <inheritdoc cref="Of{T}(string, ReadOnlySpan{long}, ReadOnlyMemory{T})"/>
    public static TensorToStore Of<T>(string name, ReadOnlySpan<long> shape, T[] values) where T : unmanaged =>
        Of(name, shape, values.AsMemory());

    /// <inheritdoc cref="Of{T}(string, ReadOnlySpan{long}, ReadOnlyMemory{T})"/>
    public static TensorToStore Of<T>(string name, ReadOnlySpan<long> shape, Memory<T> values) where T : unmanaged =>
        Of(name, shape, (ReadOnlyMemory<T>)values);

    /// <summary>A tensor of another file, which must stay open until this one is written.</summary>
    public static TensorToStore Of(StoredTensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape, tensor.WriteTo);

    internal void WriteTo(Stream stream)
    {
        long before = stream.Position;
        _write(stream);
        long written = stream.Position - before;
        if (written != ByteLength)
            throw new InvalidOperationException($"tensor '{Name}': wrote {written} bytes, expected {ByteLength}");
    }

    static DType TypeOf<T>() =>
        typeof(T) == typeof(float) ? DType.Float32 :
        typeof(T) == typeof(double) ? DType.Float64 :
        typeof(T) == typeof(Half) ? DType.Float16 :
        typeof(T) == typeof(long) ? DType.Int64 :
        typeof(T) == typeof(int) ? DType.Int32 :
        typeof(T) == typeof(short) ? DType.Int16 :
        typeof(T) == typeof(sbyte) ? DType.Int8 :
        typeof(T) == typeof(ulong) ? DType.UInt64 :
        typeof(T) == typeof(uint) ? DType.UInt32 :
        typeof(T) == typeof(ushort) ? DType.UInt16 :
        typeof(T) == typeof(byte) ? DType.UInt8 :
        typeof(T) == typeof(bool) ? DType.Bool :
        throw new ArgumentException($"tensors hold no elements of type {typeof(T).Name}");
}
