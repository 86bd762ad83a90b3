using System.Globalization;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Report;

/// <summary>A test case to be drawn: its scan, the truth, and where the three planes lie.</summary>
sealed class CasePicture
{
    const double Darkest = 0.5, Brightest = 99.5;

    readonly DataSet _set;
    readonly Volume _image;
    readonly LabelMap _truth;
    readonly double[] _spacing;
    readonly (double Low, double High) _window;

    CasePicture(DataSet set, Volume image, LabelMap truth)
    {
        (_set, _image, _truth) = (set, image, truth);
        var (x, y, z) = image.Geometry.Spacing;
        _spacing = !image.Geometry.IsOriented && set.Spacing is [var a, var b, var c] ? [a, b, c] : [x, y, z];
        var percentiles = Intensities.Of(image.Voxels, Darkest, Brightest).Percentiles;
        _window = (percentiles[0].Value, percentiles[1].Value);
        Planes = [.. SlicePlane.Of(image.Geometry.Orientation).Select(plane => (plane, plane.Fullest(truth)))];
    }

    /// <summary>The planes, and the index of each that shows the most of the truth.</summary>
    public IReadOnlyList<(SlicePlane Plane, int Index)> Planes { get; }

    /// <summary>Reads a case of a data set.</summary>
    /// <returns>The case, or null and why it cannot be drawn.</returns>
    public static (CasePicture? Picture, string? Problem) Read(DataSet set, string name)
    {
        if (set.Cases.FirstOrDefault(each => each.Name == name) is not { LabelPath: { } label } found)
            return (null, $"{set.ListPath} has no case {name} with a label");
        return Try(() =>
        {
            Volume image = CaseReader.ReadImage(set, found);
            LabelMap truth = CaseReader.ReadLabel(set, label);
            CaseReader.CheckPlace(found, image.Geometry, truth.Geometry);
            return new CasePicture(set, image, truth);
        });
    }

    /// <summary>A prediction of this case.</summary>
    /// <returns>The labels, or null and why there are none.</returns>
    public (LabelMap? Labels, string? Problem) Prediction(string path) => Try(() =>
    {
        if (!File.Exists(path)) throw new BadDataException($"{path}: no such file");
        LabelMap found = CaseReader.ReadLabel(_set, path);
        return found.Size == _image.Size
            ? found
            : throw new BadDataException($"{path}: {found.Size} voxels; expected {_image.Size}, as the scan has");
    });

    /// <summary>Width and height of a plane in mm.</summary>
    public (double Width, double Height) Extent(SlicePlane plane)
    {
        var (rows, columns) = plane.SizeOf(_image.Size);
        return (columns * _spacing[plane.Right], rows * _spacing[plane.Down]);
    }

    /// <summary>From pixels of a plane to mm.</summary>
    public string PixelScale(SlicePlane plane) => string.Create(
        CultureInfo.InvariantCulture, $"scale({_spacing[plane.Right]:R} {_spacing[plane.Down]:R})");

    /// <summary>The scan in a plane, as a PNG file in an address.</summary>
    public string Image(SlicePlane plane, int index)
    {
        float[,] slice = plane.Cut(_image.Voxels, _image.Size, index);
        int rows = slice.GetLength(0), columns = slice.GetLength(1);
        var picture = new RgbImage(rows, columns);
        double range = Math.Max(_window.High - _window.Low, double.Epsilon);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                picture[row, column].Fill((byte)Math.Clamp(255 * (slice[row, column] - _window.Low) / range, 0, 255));
        return DataAddress.Png(picture.ToPng());
    }

    /// <summary>The outline of the truth in a plane.</summary>
    public string Truth(SlicePlane plane, int index) => Outline(_truth, plane, index);

    /// <summary>The outline of a prediction in a plane.</summary>
    public static string Outline(LabelMap labels, SlicePlane plane, int index) =>
        Contours.Path(plane.Cut(labels.Voxels, labels.Size, index));

    static (T? Found, string? Problem) Try<T>(Func<T> read) where T : class
    {
        try
        {
            return (read(), null);
        }
        catch (Exception fault) when (fault is BadDataException or IOException)
        {
            return (null, fault.Message);
        }
    }
}
