using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Cfr.Kernels;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// What one sample of a batch does to its volume: turn it (or not), then cut a patch. Image and label get the same. The
/// volume is never turned as a whole: both steps keep rows along z whole, so a patch is gathered row by row.
/// </summary>
public readonly record struct PatchDraw(RotateFlip? Turn, Crop Crop)
{
    /// <summary>Draws the turn first, if there is to be one, then the crop of the turned volume.</summary>
    public static PatchDraw Draw(GridSize size, GridSize patch, bool rotateFlip, RandomNumbers random)
    {
        RotateFlip? turn = rotateFlip ? RotateFlip.Draw(random) : null;
        return new(turn, Crop.Draw(turn?.Of(size) ?? size, patch, random));
    }

    /// <summary>The same cut as a box of a grid of this size, for a device.</summary>
    internal GridBox Box(GridSize size)
    {
        RotateFlip? turn = Turn;
        int i = Crop.OffsetX - Crop.Padding.X, j = Crop.OffsetY - Crop.Padding.Y;
        var z = new GridWalk(2, Crop.OffsetZ - Crop.Padding.Z, 1, Crop.Patch.Z);
        return new(Walk(1, 0, Crop.Patch.X), Walk(0, 1, Crop.Patch.Y), z);

        // A step along an axis of the turned volume is one along an axis of the volume, whatever the turn.
        GridWalk Walk(int stepX, int stepY, int count)
        {
            var (x, y) = Source(i, j);
            var (nextX, nextY) = Source(i + stepX, j + stepY);
            return nextX != x ? new(0, x, nextX - x, count) : new(1, y, nextY - y, count);
        }

        (int X, int Y) Source(int i, int j) => turn?.Source(size, i, j) ?? (i, j);
    }

    /// <summary>Cuts intensities; padding is 0.</summary>
    public void Cut(GridSize size, ReadOnlySpan<float> voxels, Span<float> patch) =>
        Cut<float, float, Copy>(size, voxels, patch);

    /// <summary>Cuts classes; padding is background.</summary>
    public void Cut(GridSize size, ReadOnlySpan<byte> voxels, Span<int> patch) =>
        Cut<byte, int, Widen>(size, voxels, patch);

    void Cut<TVoxel, TPatch, TRow>(GridSize size, ReadOnlySpan<TVoxel> voxels, Span<TPatch> patch)
        where TRow : struct, IRow<TVoxel, TPatch>
    {
        RotateFlip? turn = Turn;
        GridSize turned = turn?.Of(size) ?? size, cut = Crop.Patch;
        int z = Crop.OffsetZ - Crop.Padding.Z;
        int first = Math.Clamp(-z, 0, cut.Z), last = Math.Clamp(size.Z - z, first, cut.Z);
        // Rows of the turned volume follow each other at fixed distances, whatever the turn.
        int origin = RowAt(0, 0), stepX = RowAt(1, 0) - origin, stepY = RowAt(0, 1) - origin;
        for (int x = 0; x < cut.X; x++)
            for (int y = 0; y < cut.Y; y++)
            {
                Span<TPatch> row = patch.Slice((x * cut.Y + y) * cut.Z, cut.Z);
                int i = x + Crop.OffsetX - Crop.Padding.X, j = y + Crop.OffsetY - Crop.Padding.Y;
                if ((uint)i >= turned.X || (uint)j >= turned.Y || first == last)
                {
                    row.Clear();
                    continue;
                }
                if (last - first < cut.Z)
                {
                    row[..first].Clear();
                    row[last..].Clear();
                }
                int start = (origin + i * stepX + j * stepY) * size.Z + z + first;
                TRow.Copy(voxels.Slice(start, last - first), row.Slice(first, last - first));
            }

        int RowAt(int i, int j)
        {
            var (sourceX, sourceY) = turn?.Source(size, i, j) ?? (i, j);
            return sourceX * size.Y + sourceY;
        }
    }

    interface IRow<TVoxel, TPatch>
    {
        static abstract void Copy(ReadOnlySpan<TVoxel> source, Span<TPatch> target);
    }

    readonly struct Copy : IRow<float, float>
    {
        static void IRow<float, float>.Copy(ReadOnlySpan<float> source, Span<float> target) => source.CopyTo(target);
    }

    readonly struct Widen : IRow<byte, int>
    {
        static void IRow<byte, int>.Copy(ReadOnlySpan<byte> source, Span<int> target)
        {
            int i = 0;
            for (; i <= source.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
            {
                var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(in MemoryMarshal.GetReference(source), (nuint)i));
                Vector256.WidenLower(low.ToVector256()).AsInt32().CopyTo(target[i..]);
                Vector256.WidenLower(high.ToVector256()).AsInt32().CopyTo(target[(i + 8)..]);
            }
            for (; i < source.Length; i++) target[i] = source[i];
        }
    }
}
