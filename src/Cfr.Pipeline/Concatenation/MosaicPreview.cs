using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using SkiaSharp;

namespace Cfr.Pipeline.Concatenation;

/// <summary>A canvas as a picture, and what is on it.</summary>
/// <param name="Image">The picture.</param>
/// <param name="Patch">The part of the scan, from its middle.</param>
/// <param name="Canvas">Which of the canvases it is, from 0.</param>
/// <param name="Canvases">How many there are.</param>
/// <param name="FirstSlice">The patch's first slice on it.</param>
/// <param name="Slices">How many are on it.</param>
public sealed record MosaicPicture(RgbImage Image, GridSize Patch, int Canvas, int Canvases, int FirstSlice, int Slices);

/// <summary>Shows what a network of 2D images sees of a scan, with the label as a coloured overlay.</summary>
/// <param name="Concatenation">How slices become a canvas.</param>
/// <param name="ImageSize">Height and width of the canvas.</param>
public sealed record MosaicPreview(ConcatenationConfiguration Concatenation, int ImageSize)
{
    const double Tint = 0.25;

    // The golden angle: hues of neighbouring classes are far apart, however many there are.
    const float HueOfFirst = 5, HueStep = 137.508f;

    static readonly double[] WindowPercents = [0.5, 99.5];

    /// <summary>Size of the patch from the middle of the scan; null for all of it, or as many slices as fit.</summary>
    public GridSize? Patch { get; init; }

    /// <summary>Which of several canvases, from 0; null for the middle one.</summary>
    public int? Canvas { get; init; }

    /// <summary>Intensities, in deviations from the scan's mean, that are black and white; null for those of 99 % of the patch.</summary>
    public (float Black, float White)? Window { get; init; }

    /// <summary>Reads a scan as for training, z-scored, and the label of the same voxels, if there is one.</summary>
    /// <exception cref="BadDataException">A file cannot be read, or they do not fit each other.</exception>
    public static LoadedCase Read(string path, string? labelPath)
    {
        Volume scan = VolumeFile.Read(path);
        LabelMap? label = labelPath is null ? null : VolumeFile.ReadLabels(labelPath);
        string name = CaseFiles.NameOf(path);
        CaseReader.CheckNumbers(path, scan);
        if (label is not null) CaseReader.CheckPlace(new Case(name, path, labelPath), scan.Geometry, label.Geometry);
        ZScore.Apply(path, scan.Voxels);
        return new LoadedCase(name, scan.Geometry, scan.Voxels, label?.Voxels);
    }

    /// <summary>The picture of a scan.</summary>
    /// <exception cref="ArgumentException">The patch does not fit the canvas, or there is no such canvas.</exception>
    public MosaicPicture Draw(LoadedCase scan)
    {
        GridSize size = scan.Geometry.Size, patch = Patch ?? Fitting(size);
        Mosaic all = Concatenation.For(patch, ImageSize);
        int canvas = Canvas ?? all.Canvases / 2;
        if (canvas < 0 || canvas >= all.Canvases)
            throw new ArgumentException($"canvas {canvas + 1} asked for; expected 1 to {all.Canvases}");
        var draw = new PatchDraw(null, Crop.Center(size, patch));
        float[] voxels = new float[patch.Voxels];
        draw.Cut(size, scan.Image, voxels);
        int[]? classes = scan.Label is null ? null : new int[patch.Voxels];
        if (classes is not null) draw.Cut(size, scan.Label, classes);

        using Device device = Device.Open("cpu");
        var session = new Session(device);
        Mosaic mosaic = all.Canvas(canvas);
        RgbImage image = Grey(mosaic.Images(session.Tensor(voxels, [1, patch.X, patch.Y, patch.Z, 1])).ToArray(), voxels);
        if (classes is not null)
            Overlay(image, mosaic.Labels(session.Labels(classes, [1, patch.X, patch.Y, patch.Z])).ToIntArray());
        return mosaic is ScaledMosaic scaled
            ? new(image, patch, canvas, all.Canvases, scaled.Starts[0], scaled.Slices)
            : new(image, patch, canvas, all.Canvases, 0, patch.Z);
    }

    /// <summary>The largest patch of whole slices that fits; slices larger than the canvas are cut to it.</summary>
    GridSize Fitting(GridSize size)
    {
        if (Concatenation.Scale is not null) return size;
        GridSize slice = new(Math.Min(size.X, ImageSize), Math.Min(size.Y, ImageSize), 1);
        return slice with { Z = Math.Min(size.Z, MosaicGeometry.Room(Concatenation.Layout, slice, ImageSize)) };
    }

    RgbImage Grey(float[] canvas, float[] voxels)
    {
        var (black, white) = Window ?? Range(voxels);
        var image = new RgbImage(ImageSize, ImageSize);
        for (int i = 0; i < canvas.Length; i++)
        {
            double grey = Math.Clamp((canvas[i] - black) / (double)Math.Max(white - black, float.Epsilon), 0, 1);
            image.Pixels.AsSpan(3 * i, 3).Fill((byte)Math.Round(byte.MaxValue * grey));
        }
        return image;

        static (float, float) Range(float[] voxels)
        {
            var percentiles = Intensities.Of(voxels, WindowPercents).Percentiles;
            return ((float)percentiles[0].Value, (float)percentiles[1].Value);
        }
    }

    /// <summary>Tints the classes from 1 on, and draws their outlines.</summary>
    void Overlay(RgbImage image, int[] labels)
    {
        for (int row = 0; row < ImageSize; row++)
            for (int column = 0; column < ImageSize; column++)
            {
                int label = At(row, column);
                if (label == 0) continue;
                bool isOutline = At(row - 1, column) != label || At(row + 1, column) != label
                    || At(row, column - 1) != label || At(row, column + 1) != label;
                SKColor color = SKColor.FromHsv((HueOfFirst + HueStep * (label - 1)) % 360, 90, 100);
                Span<byte> pixel = image[row, column];
                Blend(ref pixel[0], color.Red);
                Blend(ref pixel[1], color.Green);
                Blend(ref pixel[2], color.Blue);

                void Blend(ref byte value, byte of)
                {
                    double share = isOutline ? 1 : Tint;
                    value = (byte)Math.Round(value + share * (of - value));
                }
            }

        int At(int row, int column)
        {
            if (row < 0 || row >= ImageSize || column < 0 || column >= ImageSize) return 0;
            int label = labels[row * ImageSize + column];
            return label == Batch.Unknown ? 0 : label;
        }
    }
}
