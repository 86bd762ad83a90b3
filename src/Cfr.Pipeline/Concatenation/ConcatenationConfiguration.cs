using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Concatenation;

/// <summary>How slices become one picture: a patch <c>[X, Y, Z]</c> has Z slices of X x Y voxels.</summary>
/// <param name="Layout">Where slices lie.</param>
/// <param name="Scale">
/// Null: all slices on one canvas, a voxel a pixel. k: k x k consecutive slices on a canvas, each enlarged to its tile; 1 is
/// a slice a canvas, "upsampling".
/// </param>
/// <param name="LabelFiller">
/// Label of pixels that are no voxel: <see cref="Batch.Unknown"/>, which losses ignore, or 0, background.
/// </param>
/// <example><code>
/// Mosaic mosaic = new ConcatenationConfiguration().For(new GridSize(112, 112, 80), imageSize: 1024);
/// Tensor images = mosaic.Images(batch.ImageTensor(session)), labels = mosaic.Labels(batch.LabelTensor(session));
/// Tensor logits = mosaic.Volume(canvasLogits);
/// </code></example>
public sealed record ConcatenationConfiguration(
    MosaicLayout Layout = MosaicLayout.Release, int? Scale = null, int LabelFiller = Batch.Unknown)
{
    /// <summary>The mosaic of patches of one size.</summary>
    /// <param name="patch">Their size.</param>
    /// <param name="imageSize">Height and width of a canvas: the input of the encoder.</param>
    /// <exception cref="ArgumentException">The patch does not fit the canvas; the message says what does.</exception>
    public Mosaic For(GridSize patch, int imageSize)
    {
        Check();
        return Scale is { } scale
            ? new ScaledMosaic(patch, imageSize, scale, Layout, LabelFiller)
            : new NativeMosaic(MosaicGeometry.For(Layout, patch, imageSize), LabelFiller);
    }

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        if (!Enum.IsDefined(Layout)) throw new ArgumentException($"layout is {Layout}; expected release or paper");
        if (Scale < 1) throw new ArgumentException($"scale is {Scale}; expected at least 1");
        if (LabelFiller is not (0 or Batch.Unknown))
            throw new ArgumentException(
                $"labelFiller is {LabelFiller}; expected {Batch.Unknown} (ignored) or 0 (background)");
    }
}
