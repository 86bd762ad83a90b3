using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Images;

/// <summary>A slice of a volume as a gray picture.</summary>
/// <param name="Axis">The axis of the array that the slice is cut across: 0, 1 or 2.</param>
/// <param name="Number">Which slice, from 0.</param>
public readonly record struct VolumeSlice(int Axis, int Number)
{
    /// <summary>How many slices there are across the axis.</summary>
    /// <exception cref="ArgumentException">There is no such axis.</exception>
    public int CountIn(GridSize size) => Axis switch
    {
        0 => size.X,
        1 => size.Y,
        2 => size.Z,
        _ => throw new ArgumentException($"axis {Axis}; expected 0, 1 or 2"),
    };

    /// <summary>The rows are the first of the two other axes, the columns the second.</summary>
    public (int Rows, int Columns) SizeIn(GridSize size) => Axis switch
    {
        0 => (size.Y, size.Z),
        1 => (size.X, size.Z),
        _ => (size.X, size.Y),
    };

    /// <summary>
    /// The picture: intensities from the window's lower end (black) to its upper end (white), linearly, rounded to 8
    /// bits. NaN is black.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such slice.</exception>
    public RgbImage Of(Volume volume, (double Low, double High) window)
    {
        GridSize size = volume.Size;
        int slices = CountIn(size);
        if (Number < 0 || Number >= slices)
            throw new ArgumentException($"slice {Number} across axis {Axis} of {size}; expected 0 to {slices - 1}");
        var (rows, columns) = SizeIn(size);
        var image = new RgbImage(rows, columns);
        double scale = window.High > window.Low ? byte.MaxValue / (window.High - window.Low) : 0;
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                float value = Axis switch
                {
                    0 => volume[Number, row, column],
                    1 => volume[row, Number, column],
                    _ => volume[row, column, Number],
                };
                double gray = float.IsNaN(value) ? 0 : Math.Clamp((value - window.Low) * scale, 0, byte.MaxValue);
                image[row, column].Fill((byte)(gray + 0.5));
            }
        return image;
    }
}
