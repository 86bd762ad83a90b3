using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Report;

/// <summary>
/// A plane through a volume as it is shown: which array axis is fixed, which run to the right and down, and whether
/// against their index. Front or head are up; the patient's right is to the left, as radiologists have it.
/// </summary>
/// <param name="Name">axial, coronal or sagittal.</param>
/// <param name="Axis">The array axis that is fixed.</param>
/// <param name="Right">The array axis that runs to the right.</param>
/// <param name="Down">The array axis that runs down.</param>
/// <param name="FlipRight">Whether the first column has the largest index.</param>
/// <param name="FlipDown">Whether the first row has the largest index.</param>
readonly record struct SlicePlane(string Name, int Axis, int Right, int Down, bool FlipRight, bool FlipDown)
{
    /// <summary>The three planes of a volume whose axes point so.</summary>
    public static SlicePlane[] Of(Orientation orientation)
    {
        const int RightLeft = 0, FrontBack = 1, HeadFoot = 2;
        int[] axis = new int[3];
        for (int i = 0; i < 3; i++) axis[orientation.WorldAxis(i)] = i;
        return
        [
            Plane("axial", HeadFoot, RightLeft, FrontBack), Plane("coronal", FrontBack, RightLeft, HeadFoot),
            Plane("sagittal", RightLeft, FrontBack, HeadFoot),
        ];

        // Indices that grow to the right, the front or the head run against the picture, in which right is left.
        SlicePlane Plane(string name, int through, int right, int down) => new(
            name, axis[through], axis[right], axis[down], !orientation.IsNegative(axis[right]),
            !orientation.IsNegative(axis[down]));
    }

    /// <summary>Rows and columns of a slice.</summary>
    public (int Rows, int Columns) SizeOf(GridSize size) => (Side(size, Down), Side(size, Right));

    /// <summary>A slice <c>[rows, columns]</c> of an array <c>[X, Y, Z]</c>.</summary>
    public T[,] Cut<T>(T[] voxels, GridSize size, int index)
    {
        var (rows, columns) = SizeOf(size);
        var slice = new T[rows, columns];
        Span<int> at = stackalloc int[3];
        at[Axis] = index;
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                at[Down] = FlipDown ? rows - 1 - row : row;
                at[Right] = FlipRight ? columns - 1 - column : column;
                slice[row, column] = voxels[((long)at[0] * size.Y + at[1]) * size.Z + at[2]];
            }
        return slice;
    }

    /// <summary>The slice with the most voxels that are not background; the middle one if there are none.</summary>
    public int Fullest(LabelMap label)
    {
        var counts = new long[Side(label.Size, Axis)];
        for (long i = 0; i < label.Voxels.Length; i++)
        {
            if (label.Voxels[i] == 0) continue;
            var (x, y, z) = label.Size.IndexOf(i);
            counts[Axis switch { 0 => x, 1 => y, _ => z }]++;
        }
        return counts.Max() == 0 ? counts.Length / 2 : Array.IndexOf(counts, counts.Max());
    }

    /// <summary>Voxels along an axis.</summary>
    public static int Side(GridSize size, int axis) => axis switch { 0 => size.X, 1 => size.Y, _ => size.Z };
}
