using Cfr.Kernels;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Concatenation;

/// <summary>
/// k x k consecutive slices a canvas, each resized to (floor(S / k) - 8)^2 (intensities linearly, labels to the nearest)
/// with a border of 4 empty pixels. All slices are covered by canvases that follow each other, the last one aligned to the
/// last slice; where it overlaps the one before, logits are averaged and classes are those of the one before.
/// </summary>
public sealed class ScaledMosaic : Mosaic
{
    const int Border = 4;

    readonly NativeMosaic _tiles;
    readonly int _tile;
    readonly int[] _starts;

    internal ScaledMosaic(GridSize patch, int imageSize, int scale, MosaicLayout layout, int labelFiller)
        : base(patch, imageSize, labelFiller)
    {
        MosaicGeometry.CheckSizes(patch, imageSize);
        int most = Math.Min(MosaicGeometry.Side(patch.Z), LargestScale(imageSize));
        if (most < 1)
            throw new ArgumentException(
                $"an image of {imageSize}x{imageSize} has no room for a slice and its border; expected at least {2 * Border + 1}");
        if (scale > most)
            throw new ArgumentException(
                $"scale is {scale}; expected 1 to {most} for {patch.Z} slices on an image of {imageSize}x{imageSize}");
        _tile = imageSize / scale - 2 * Border;
        var tiles = new MosaicGeometry(
            new(_tile, _tile, scale * scale), imageSize, layout == MosaicLayout.Release, scale, scale, 0, 0, 0, 0, 0);
        _tiles = new NativeMosaic(tiles.WithMargins(Border, Border), labelFiller);
        int groups = (patch.Z + SlicesPerCanvas - 1) / SlicesPerCanvas;
        int last = Math.Max(0, patch.Z - SlicesPerCanvas);
        _starts = [.. Enumerable.Range(0, groups).Select(i => Math.Min(i * SlicesPerCanvas, last))];
    }

    ScaledMosaic(ScaledMosaic all, int start) : base(all.Patch, all.ImageSize, all.LabelFiller) =>
        (_tiles, _tile, _starts) = (all._tiles, all._tile, [start]);

    /// <inheritdoc/>
    public override int Canvases => _starts.Length;

    /// <summary>First slice of each canvas.</summary>
    public IReadOnlyList<int> Starts => _starts;

    /// <summary>k k, the tiles of a canvas; a patch with fewer slices leaves some of them empty.</summary>
    int SlicesPerCanvas => _tiles.Patch.Z;

    /// <summary>Slices on each canvas.</summary>
    public int Slices => Math.Min(SlicesPerCanvas, Patch.Z);

    /// <inheritdoc/>
    public override Mosaic Canvas(int index) => new ScaledMosaic(this, _starts[index]);

    /// <inheritdoc/>
    public override Mosaic Draw(RandomNumbers random) => new ScaledMosaic(this, random.Below(Patch.Z - Slices + 1));

    /// <summary>The largest k whose tiles have a pixel; 0 if there is none.</summary>
    internal static int LargestScale(int imageSize) => imageSize / (2 * Border + 1);

    private protected override Tensor Place(Tensor volumes)
    {
        Tensor slices = volumes.Reshape(-1, Patch.X, Patch.Y, Patch.Z);
        Tensor[] canvases =
        [
            .. _starts.Select(start => Tiled(slices.Slice(3, start, Slices)).Reshape(-1, 1, ImageSize, ImageSize)),
        ];
        return canvases[0].Concat(1, canvases.AsSpan(1)).Reshape(-1, ImageSize, ImageSize, 1);
    }

    Tensor Tiled(Tensor slices)
    {
        bool isLabel = slices.DType == DType.Int32;
        int spare = SlicesPerCanvas - Slices;
        Tensor tiles = isLabel ? Nearest(slices, _tile, _tile) : slices.Resize([_tile, _tile]);
        if (spare > 0) tiles = tiles.Pad([(0, 0), (0, 0), (0, 0), (0, spare)], isLabel ? LabelFiller : 0);
        return isLabel ? _tiles.Labels(tiles) : _tiles.Images(tiles.Reshape(-1, _tile, _tile, SlicesPerCanvas, 1));
    }

    private protected override Tensor Cut(Tensor canvases)
    {
        if (Canvases * Slices < Patch.Z)
            throw new InvalidOperationException(
                "this mosaic shows some slices of a volume; all of them are needed to fill one");
        int channels = canvases.Size(^1);
        Tensor byVolume = canvases.Reshape(-1, Canvases, ImageSize * ImageSize * channels);
        Tensor[] groups = [.. Enumerable.Range(0, Canvases).Select(i => Group(byVolume.Slice(1, i, 1), channels))];
        if (groups.Length == 1) return groups[0];

        Tensor last = groups[^1], before = groups[^2];
        int own = _starts[^1] - _starts[^2], shared = Slices - own;
        if (shared > 0)
        {
            Tensor end = before.Slice(3, own, shared);
            if (end.DType == DType.Float32) end = 0.5f * (end + last.Slice(3, 0, shared));
            groups[^2] = before.Slice(3, 0, own).Concat(3, end);
            groups[^1] = last.Slice(3, shared, own);
        }
        return groups[0].Concat(3, groups.AsSpan(1));
    }

    /// <summary>The slices of one canvas, [N, X, Y, slices, K].</summary>
    Tensor Group(Tensor canvas, int channels)
    {
        bool isLabel = canvas.DType == DType.Int32;
        Tensor slices = isLabel
            ? Nearest(_tiles.VolumeLabels(canvas.Reshape(-1, ImageSize, ImageSize)), Patch.X, Patch.Y)
            : _tiles.Volume(canvas.Reshape(-1, ImageSize, ImageSize, channels))
                .Reshape(-1, _tile, _tile, SlicesPerCanvas * channels).Resize([Patch.X, Patch.Y]);
        slices = slices.Reshape(-1, Patch.X, Patch.Y, SlicesPerCanvas, channels);
        return Slices < SlicesPerCanvas ? slices.Slice(3, 0, Slices) : slices;
    }

    /// <summary>Labels [N, X, Y, C] to the nearest of another size: voxel floor(i n / m) along each axis.</summary>
    static Tensor Nearest(Tensor labels, int x, int y)
    {
        Tensor rows = labels.Permute(1, 0, 2, 3).Gather(Index(labels.Size(1), x));
        return rows.Permute(2, 1, 0, 3).Gather(Index(labels.Size(2), y)).Permute(1, 2, 0, 3);

        Tensor Index(int from, int to) =>
            labels.Session.Labels([.. Enumerable.Range(0, to).Select(i => (int)((long)i * from / to))], [to]);
    }
}
