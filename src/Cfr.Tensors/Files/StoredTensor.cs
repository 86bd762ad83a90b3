using System.Numerics;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// A tensor in a file: name, type and shape, and its elements on demand. The elements stay in the mapped file until
/// they are copied to where they are needed, so a tensor can be read only while its <see cref="WeightFile"/> is open.
/// Elements come in row-major order, whatever their order in the file.
/// </summary>
public sealed class StoredTensor
{
    const int GatheredElements = 1 << 14;
    const int DirectElements = 1 << 27;

    readonly FileBytes _storage;
    readonly long[] _shape;
    readonly StridedView? _view;
    readonly bool _bigEndian;
    byte[]? _gathered;

    StoredTensor(
        string name, DType type, long[] shape, long count, FileBytes storage, StridedView? view, bool bigEndian)
    {
        Name = name;
        Type = type;
        Count = count;
        _shape = shape;
        _storage = storage;
        _view = view;
        _bigEndian = bigEndian;
    }

    /// <summary>Name in the file, for instance PyTorch's key.</summary>
    public string Name { get; }

    /// <summary>Type of the elements in the file.</summary>
    public DType Type { get; }

    /// <summary>Sizes, slowest dimension first; empty for a 0-dimensional tensor.</summary>
    public ReadOnlySpan<long> Shape => _shape;

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>Bytes of all elements.</summary>
    public long ByteLength => Count * Type.Bytes();

    /// <summary>
    /// All elements, row-major and little-endian: the file's own memory where they lie so, otherwise a copy that is
    /// made on first use. Valid until the file is closed.
    /// </summary>
    /// <exception cref="WeightFileException">More than 2 GiB; <see cref="CopyTo"/> reads those.</exception>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            if (ByteLength > Array.MaxLength)
                throw Invalid($"found {ByteLength} bytes, expected at most {Array.MaxLength}");
            if (LiesAsNeeded) return _storage.Span(0, (int)ByteLength);
            if (_gathered is { } done) return done;
            var bytes = new byte[ByteLength];
            Gather(0, bytes);
            return _gathered = bytes;
        }
    }

    bool LiesAsNeeded => _view is null && !_bigEndian;

    /// <summary>
    /// Copies all elements. Every type converts to floating-point types (binary16 and bfloat16 exactly, wider ones
    /// rounded to nearest, bool to 0 and 1); integers and bool convert to integer types.
    /// </summary>
    /// <exception cref="ArgumentException">The destination's length is not <see cref="Count"/>.</exception>
    /// <exception cref="WeightFileException">
    /// A floating-point tensor is asked for integers, or an integer does not fit <typeparamref name="T"/>.
    /// </exception>
    public void CopyTo<T>(Span<T> destination) where T : unmanaged, INumber<T>
    {
        if (destination.Length != Count)
            throw new ArgumentException(
                $"tensor '{Name}' has {Count} elements, the destination {destination.Length}", nameof(destination));
        if (ElementConversion.IsInteger<T>() && !ElementConversion.IsInteger(Type))
            throw Invalid($"found type {Type}, expected an integer type");
        Span<byte> scratch = Scratch();
        for (long first = 0; first < Count;)
        {
            ReadOnlySpan<byte> piece = Piece(first, scratch);
            int elements = piece.Length / Type.Bytes();
            int converted = ElementConversion.Convert(Type, piece, destination.Slice((int)first, elements));
            if (converted < elements)
                throw Invalid($"element {first + converted} does not fit {typeof(T).Name}");
            first += elements;
        }
    }

    /// <summary>Writes all elements, row-major and little-endian.</summary>
    internal void WriteTo(Stream stream)
    {
        Span<byte> scratch = Scratch();
        for (long first = 0; first < Count;)
        {
            ReadOnlySpan<byte> piece = Piece(first, scratch);
            stream.Write(piece);
            first += piece.Length / Type.Bytes();
        }
    }

    /// <summary>Elements that fill <paramref name="bytes"/> exactly, row-major.</summary>
    internal static StoredTensor Contiguous(
        string name, DType type, long[] shape, long count, FileBytes bytes, bool bigEndian = false) =>
        new(name, type, shape, count, bytes, null, bigEndian && type.Bytes() > 1);

    /// <summary>Elements of a storage by offset and strides; they must fit: <see cref="StridedView.Fits"/>.</summary>
    internal static StoredTensor Strided(
        string name, DType type, long[] shape, long count, FileBytes storage, long[] strides, long offset,
        bool bigEndian = false)
    {
        int bytes = type.Bytes();
        if (StridedView.IsContiguous(shape, strides))
            return Contiguous(name, type, shape, count, storage.Slice(offset * bytes, count * bytes), bigEndian);
        var view = new StridedView(storage, bytes, shape, strides, offset);
        return new StoredTensor(name, type, shape, count, storage, view, bigEndian && bytes > 1);
    }

    /// <summary>Room for elements that do not lie as needed.</summary>
    byte[] Scratch() => LiesAsNeeded ? [] : new byte[Math.Min(GatheredElements, Count) * Type.Bytes()];

    /// <summary>The elements from number <paramref name="first"/> on, as many as are convenient.</summary>
    ReadOnlySpan<byte> Piece(long first, Span<byte> scratch)
    {
        int bytes = Type.Bytes();
        int elements = (int)Math.Min(LiesAsNeeded ? DirectElements : GatheredElements, Count - first);
        if (LiesAsNeeded) return _storage.Span(first * bytes, elements * bytes);
        Gather(first, scratch[..(elements * bytes)]);
        return scratch[..(elements * bytes)];
    }

    void Gather(long first, Span<byte> destination)
    {
        if (_view is not null)
            _view.Gather(first, destination);
        else
            _storage.Span(first * Type.Bytes(), destination.Length).CopyTo(destination);
        if (_bigEndian) ElementConversion.ReverseBytes(destination, Type.Bytes());
    }

    WeightFileException Invalid(string reason) => _storage.File.Invalid($"tensor '{Name}': {reason}");
}
