using System.Runtime.InteropServices;

namespace Cfr.Tensors.Files;

/// <summary>
/// Elements of a storage in another order than they lie there: element (i0, i1, ...) is
/// storage[offset + sum i * stride], offset and strides in elements. Transposed, sliced, expanded (stride 0) and
/// column-major tensors are all of this form.
/// </summary>
sealed class StridedView
{
    readonly FileBytes _storage;
    readonly int _elementBytes;
    readonly long[] _shape, _strides;
    readonly long _offset;

    /// <summary>The view must fit: see <see cref="Fits"/>.</summary>
    public StridedView(FileBytes storage, int elementBytes, long[] shape, long[] strides, long offset)
    {
        _storage = storage;
        _elementBytes = elementBytes;
        _shape = shape.Length == 0 ? [1] : shape;
        _strides = shape.Length == 0 ? [1] : strides;
        _offset = offset;
    }

    /// <summary>Whether every element lies within a storage of <paramref name="storageCount"/> elements.</summary>
    public static bool Fits(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, long offset, long storageCount)
    {
        if (offset < 0 || strides.ContainsAnyInRange(long.MinValue, -1)) return false;
        if (shape.Contains(0)) return offset <= storageCount;
        Int128 last = offset;
        for (int i = 0; i < shape.Length && last < storageCount; i++) last += (Int128)(shape[i] - 1) * strides[i];
        return last < storageCount;
    }

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public static bool IsContiguous(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        long step = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != step) return shape.Contains(0);
            step *= shape[i];
        }
        return true;
    }

    /// <summary>Fills the destination with elements, row-major, from number <paramref name="first"/> on.</summary>
    public void Gather(long first, Span<byte> destination)
    {
        int last = _shape.Length - 1;
        var index = new long[_shape.Length];
        long position = _offset;
        for (int i = last; i >= 0; i--)
        {
            (first, index[i]) = Math.DivRem(first, _shape[i]);
            position += index[i] * _strides[i];
        }
        while (!destination.IsEmpty)
        {
            int run = (int)Math.Min(_shape[last] - index[last], destination.Length / _elementBytes);
            CopyRun(position, run, destination);
            destination = destination[(run * _elementBytes)..];
            index[last] += run;
            position += run * _strides[last];
            for (int i = last; i > 0 && index[i] == _shape[i]; i--)
            {
                position += _strides[i - 1] - _shape[i] * _strides[i];
                index[i] = 0;
                index[i - 1]++;
            }
        }
    }

    void CopyRun(long position, int count, Span<byte> destination)
    {
        if (_strides[^1] == 1)
            _storage.Span(position * _elementBytes, count * _elementBytes).CopyTo(destination);
        else if (_elementBytes == 8)
            CopyRun<ulong>(position, count, destination);
        else if (_elementBytes == 4)
            CopyRun<uint>(position, count, destination);
        else if (_elementBytes == 2)
            CopyRun<ushort>(position, count, destination);
        else
            CopyRun<byte>(position, count, destination);
    }

    void CopyRun<T>(long position, int count, Span<byte> destination) where T : unmanaged
    {
        for (int i = 0; i < count; i++, position += _strides[^1])
        {
            T element = MemoryMarshal.Read<T>(_storage.Span(position * _elementBytes, _elementBytes));
            MemoryMarshal.Write(destination[(i * _elementBytes)..], element);
        }
    }
}
