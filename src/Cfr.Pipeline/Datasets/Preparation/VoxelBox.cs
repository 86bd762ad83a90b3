using System.Numerics;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>A box of voxels: from the first corner up to, but without, the second.</summary>
readonly record struct VoxelBox(int X0, int Y0, int Z0, int X1, int Y1, int Z1)
{
    public GridSize Size => new(X1 - X0, Y1 - Y0, Z1 - Z0);

    /// <summary>The smallest box around all voxels that are not zero; null if all are.</summary>
    public static VoxelBox? Around<T>(ReadOnlySpan<T> voxels, GridSize size) where T : INumber<T>
    {
        var box = new VoxelBox(int.MaxValue, int.MaxValue, int.MaxValue, 0, 0, 0);
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
            {
                ReadOnlySpan<T> row = voxels.Slice((x * size.Y + y) * size.Z, size.Z);
                int first = row.IndexOfAnyExcept(T.Zero);
                if (first < 0) continue;
                int last = row.LastIndexOfAnyExcept(T.Zero);
                box = new(
                    Math.Min(box.X0, x), Math.Min(box.Y0, y), Math.Min(box.Z0, first),
                    Math.Max(box.X1, x + 1), Math.Max(box.Y1, y + 1), Math.Max(box.Z1, last + 1));
            }
        return box.X1 == 0 ? null : box;
    }

    public Volume Cut(Volume volume) => new(Of(volume.Geometry), Voxels(volume.Voxels, volume.Size));

    public LabelMap Cut(LabelMap labels) => new(Of(labels.Geometry), Voxels(labels.Voxels, labels.Size));

    Geometry Of(Geometry whole) =>
        whole.Moved(Size, whole.Affine * new Affine(1, 0, 0, X0, 0, 1, 0, Y0, 0, 0, 1, Z0));

    T[] Voxels<T>(T[] voxels, GridSize size)
    {
        var cut = new T[Size.Voxels];
        Span<T> target = cut;
        for (int x = X0; x < X1; x++)
            for (int y = Y0; y < Y1; y++)
            {
                voxels.AsSpan((x * size.Y + y) * size.Z + Z0, Size.Z).CopyTo(target);
                target = target[Size.Z..];
            }
        return cut;
    }
}
