using Cfr.Kernels;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Concatenation;

/// <summary>
/// Patches as pictures and back: what a network of 2D images sees of a volume, and what its results say of the voxels.
/// A volume becomes <see cref="Canvases"/> pictures of S x S; those of volume n are n Canvases, n Canvases + 1, ..
/// Copies alone, and resizing where there is a scale: gradients pass both ways.
/// </summary>
public abstract class Mosaic
{
    private protected Mosaic(GridSize patch, int imageSize, int labelFiller) =>
        (Patch, ImageSize, LabelFiller) = (patch, imageSize, labelFiller);

    /// <summary>Size of a patch.</summary>
    public GridSize Patch { get; }

    /// <summary>S, height and width of a canvas.</summary>
    public int ImageSize { get; }

    /// <summary>Pictures of a volume.</summary>
    public abstract int Canvases { get; }

    /// <summary>Label of pixels that are no voxel.</summary>
    private protected int LabelFiller { get; }

    /// <summary>Intensities <c>[N, D, H, W, 1]</c> to <c>[N Canvases, S, S, 1]</c>; what is no voxel is 0.</summary>
    public Tensor Images(Tensor volumes)
    {
        Check(nameof(Images), volumes, DType.Float32, [Patch.X, Patch.Y, Patch.Z, 1]);
        return Place(volumes);
    }

    /// <summary>
    /// Classes <c>[N, D, H, W]</c> to <c>[N Canvases, S, S]</c>; what is no voxel has the label that was configured.
    /// </summary>
    public Tensor Labels(Tensor volumes)
    {
        Check(nameof(Labels), volumes, DType.Int32, [Patch.X, Patch.Y, Patch.Z]);
        return Place(volumes.Reshape(volumes.Size(0), Patch.X, Patch.Y, Patch.Z, 1)).Reshape(-1, ImageSize, ImageSize);
    }

    /// <summary>Logits <c>[N Canvases, S, S, K]</c> of the canvases to <c>[N, D, H, W, K]</c> of the volumes.</summary>
    public Tensor Volume(Tensor canvases)
    {
        Check(nameof(Volume), canvases, DType.Float32, [ImageSize, ImageSize, canvases.Size(^1)], Canvases);
        return Cut(canvases);
    }

    /// <summary>Classes <c>[N Canvases, S, S]</c> of the canvases to <c>[N, D, H, W]</c> of the volumes.</summary>
    public Tensor VolumeLabels(Tensor canvases)
    {
        Check(nameof(VolumeLabels), canvases, DType.Int32, [ImageSize, ImageSize], Canvases);
        return Cut(canvases.Reshape(canvases.Size(0), ImageSize, ImageSize, 1)).Reshape(-1, Patch.X, Patch.Y, Patch.Z);
    }

    /// <summary>One of the canvases alone: its images and labels; volumes need all canvases.</summary>
    public abstract Mosaic Canvas(int index);

    /// <summary>
    /// What one training step sees: a mosaic with one canvas a volume, of all slices or of a run of them that begins
    /// anywhere.
    /// </summary>
    public abstract Mosaic Draw(RandomNumbers random);

    /// <summary>Grey canvases <c>[.., S, S, 1]</c> in three equal channels <c>[.., S, S, 3]</c>.</summary>
    public static Tensor Rgb(Tensor grey) => grey.Expand([.. grey.Shape[..^1], 3]);

    private protected abstract Tensor Place(Tensor volumes);

    private protected abstract Tensor Cut(Tensor canvases);

    static void Check(string op, Tensor tensor, DType type, ReadOnlySpan<int> sample, int multiple = 1)
    {
        bool fits = tensor.DType == type && tensor.Rank == 1 + sample.Length && tensor.Shape[1..] == Shape.Of(sample);
        if (fits && tensor.Size(0) % multiple == 0) return;
        string first = multiple == 1 ? "N" : $"{multiple} N";
        throw new ArgumentException($"{op}: found {tensor.DType} {tensor.Shape}; expected {type} "
            + $"[{first}, {string.Join(", ", sample.ToArray())}]");
    }
}
