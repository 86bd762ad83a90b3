using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>Converts little-endian elements of a file to numbers of another type.</summary>
static class ElementConversion
{
    public static bool IsInteger(DType type) =>
        type is not (DType.Float64 or DType.Float32 or DType.Float16 or DType.BFloat16);

    public static bool IsInteger<T>() where T : INumber<T> => T.One / (T.One + T.One) == T.Zero;

    /// <summary>
    /// Converts element by element. Returns how many were converted: fewer than all if the next one does not fit
    /// <typeparamref name="T"/>, which happens between integer types alone.
    /// </summary>
    public static int Convert<T>(DType from, ReadOnlySpan<byte> source, Span<T> destination)
        where T : unmanaged, INumber<T>
    {
        switch (from)
        {
            case DType.Float32: return Numbers<float, T>(source, destination);
            case DType.Float64: return Numbers<double, T>(source, destination);
            case DType.Float16: return Numbers<Half, T>(source, destination);
            case DType.Int64: return Numbers<long, T>(source, destination);
            case DType.Int32: return Numbers<int, T>(source, destination);
            case DType.Int16: return Numbers<short, T>(source, destination);
            case DType.Int8: return Numbers<sbyte, T>(source, destination);
            case DType.UInt64: return Numbers<ulong, T>(source, destination);
            case DType.UInt32: return Numbers<uint, T>(source, destination);
            case DType.UInt16: return Numbers<ushort, T>(source, destination);
            case DType.UInt8: return Numbers<byte, T>(source, destination);
            case DType.BFloat16: return BFloat16(source, destination);
            case DType.Bool: return Bool(source, destination);
            default: throw new ArgumentOutOfRangeException(nameof(from), from, null);
        }
    }

    public static void ReverseBytes(Span<byte> elements, int elementBytes)
    {
        if (elementBytes == 8)
            ReverseBytes(MemoryMarshal.Cast<byte, ulong>(elements));
        else if (elementBytes == 4)
            ReverseBytes(MemoryMarshal.Cast<byte, uint>(elements));
        else if (elementBytes == 2)
            ReverseBytes(MemoryMarshal.Cast<byte, ushort>(elements));
    }

    static void ReverseBytes(Span<ulong> elements) => BinaryPrimitives.ReverseEndianness(elements, elements);

    static void ReverseBytes(Span<uint> elements) => BinaryPrimitives.ReverseEndianness(elements, elements);

    static void ReverseBytes(Span<ushort> elements) => BinaryPrimitives.ReverseEndianness(elements, elements);

    static int Numbers<TFrom, T>(ReadOnlySpan<byte> bytes, Span<T> destination)
        where TFrom : unmanaged, INumber<TFrom> where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<TFrom> source = MemoryMarshal.Cast<byte, TFrom>(bytes);
        if (typeof(TFrom) == typeof(T))
        {
            bytes.CopyTo(MemoryMarshal.AsBytes(destination));
            return destination.Length;
        }
        int i = 0;
        try
        {
            for (; i < destination.Length; i++) destination[i] = T.CreateChecked(source[i]);
        }
        catch (OverflowException)
        {
        }
        return i;
    }

    static int BFloat16<T>(ReadOnlySpan<byte> bytes, Span<T> destination) where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<ushort> source = MemoryMarshal.Cast<byte, ushort>(bytes);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = T.CreateChecked(BitConverter.UInt32BitsToSingle((uint)source[i] << 16));
        return destination.Length;
    }

    static int Bool<T>(ReadOnlySpan<byte> source, Span<T> destination) where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < destination.Length; i++) destination[i] = source[i] == 0 ? T.Zero : T.One;
        return destination.Length;
    }
}
