using System.Numerics;
using System.Runtime.InteropServices;
using Cfr.Kernels;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// From the order of NIfTI and NRRD files (x fastest) to that of arrays (z fastest) and back. Both walk in tiles, so
/// that each side touches whole cache lines.
/// </summary>
static unsafe class FileOrder
{
    const int Tile = 16;
    const int WriteStep = 1 << 20;

    /// <summary>stored * <paramref name="slope"/> + <paramref name="intercept"/>, in double, then rounded.</summary>
    public static float[] Decode(VoxelBytes bytes, DType type, double slope, double intercept, GridSize size)
    {
        var voxels = GC.AllocateUninitializedArray<float>((int)size.Voxels);
        byte* start = bytes.Start;
        switch (type)
        {
            case DType.UInt8: Decode<byte>(start, slope, intercept, size, voxels); break;
            case DType.Int8: Decode<sbyte>(start, slope, intercept, size, voxels); break;
            case DType.Int16: Decode<short>(start, slope, intercept, size, voxels); break;
            case DType.UInt16: Decode<ushort>(start, slope, intercept, size, voxels); break;
            case DType.Int32: Decode<int>(start, slope, intercept, size, voxels); break;
            case DType.UInt32: Decode<uint>(start, slope, intercept, size, voxels); break;
            case DType.Int64: Decode<long>(start, slope, intercept, size, voxels); break;
            case DType.UInt64: Decode<ulong>(start, slope, intercept, size, voxels); break;
            case DType.Float32: Decode<float>(start, slope, intercept, size, voxels); break;
            case DType.Float64: Decode<double>(start, slope, intercept, size, voxels); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
        return voxels;
    }

    /// <summary>Writes one map of an array <c>[X, Y, Z, count]</c>, x fastest.</summary>
    public static void Write<T>(Stream stream, ReadOnlySpan<T> voxels, GridSize size, int count = 1, int map = 0)
        where T : unmanaged
    {
        long plane = (long)size.X * size.Y;
        var block = new T[checked((int)(plane * Math.Min(Tile, size.Z)))];
        for (int z0 = 0; z0 < size.Z; z0 += Tile)
        {
            int planes = Math.Min(Tile, size.Z - z0);
            for (int x = 0; x < size.X; x++)
                for (int y = 0; y < size.Y; y++)
                {
                    ReadOnlySpan<T> row = voxels[(int)((((long)x * size.Y + y) * size.Z + z0) * count)..];
                    for (int z = 0; z < planes; z++) block[z * plane + (long)y * size.X + x] = row[z * count + map];
                }
            Span<T> rest = block.AsSpan(0, (int)(plane * planes));
            for (; !rest.IsEmpty; rest = rest[Math.Min(WriteStep, rest.Length)..])
                stream.Write(MemoryMarshal.AsBytes(rest[..Math.Min(WriteStep, rest.Length)]));
        }
    }

    static void Decode<T>(byte* start, double slope, double intercept, GridSize size, float[] voxels)
        where T : unmanaged, INumber<T>
    {
        var source = (T*)start;
        long plane = (long)size.X * size.Y;
        for (int y = 0; y < size.Y; y++)
            for (int x0 = 0; x0 < size.X; x0 += Tile)
                for (int z0 = 0; z0 < size.Z; z0 += Tile)
                    for (int x = x0; x < Math.Min(x0 + Tile, size.X); x++)
                    {
                        T* column = source + (long)y * size.X + x;
                        Span<float> row = voxels.AsSpan(
                            (int)(((long)x * size.Y + y) * size.Z + z0), Math.Min(Tile, size.Z - z0));
                        for (int z = 0; z < row.Length; z++)
                            row[z] = (float)(double.CreateTruncating(column[(z0 + z) * plane]) * slope + intercept);
                    }
    }
}
