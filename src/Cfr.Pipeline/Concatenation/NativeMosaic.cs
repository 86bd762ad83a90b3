using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Concatenation;

/// <summary>All slices of a patch on one canvas, a voxel a pixel: nothing is interpolated, the way back is exact.</summary>
public sealed class NativeMosaic : Mosaic
{
    internal NativeMosaic(MosaicGeometry geometry, int labelFiller)
        : base(geometry.Patch, geometry.ImageSize, labelFiller) => Geometry = geometry;

    /// <summary>Where voxels lie.</summary>
    public MosaicGeometry Geometry { get; }

    /// <inheritdoc/>
    public override int Canvases => 1;

    /// <inheritdoc/>
    public override Mosaic Canvas(int index) => index == 0 ? this : throw new ArgumentOutOfRangeException(nameof(index));

    /// <inheritdoc/>
    public override Mosaic Draw(RandomNumbers random) => this;

    /// <summary>
    /// [N, X, Y, Z, C] to slices [N, Z, h, w, C], to tiles with margins [N, R Q, h', w', C], to the grid [N, R h', Q w', C],
    /// to the canvas [N, S, S, C].
    /// </summary>
    private protected override Tensor Place(Tensor volumes)
    {
        MosaicGeometry g = Geometry;
        int filler = volumes.DType == DType.Int32 ? LabelFiller : 0, channels = volumes.Size(^1);
        Tensor slices = g.Transposed ? volumes.Permute(0, 3, 2, 1, 4) : volumes.Permute(0, 3, 1, 2, 4);
        (int, int) rows = (g.MarginRows, g.MarginRows), columns = (g.MarginColumns, g.MarginColumns);
        Tensor tiles = slices.Pad([(0, 0), (g.EmptyBefore, g.EmptyAfter), rows, columns, (0, 0)], filler);
        Tensor grid = tiles.Reshape(-1, g.Rows, g.Columns, g.TileHeight, g.TileWidth, channels)
            .Permute(0, 1, 3, 2, 4, 5).Reshape(-1, g.Rows * g.TileHeight, g.Columns * g.TileWidth, channels);
        return Moved(Moved(grid, 1, g.OffsetRow, ImageSize, filler), 2, g.OffsetColumn, ImageSize, filler);
    }

    /// <summary>The same steps backwards.</summary>
    private protected override Tensor Cut(Tensor canvases)
    {
        MosaicGeometry g = Geometry;
        int channels = canvases.Size(^1);
        Tensor grid = Moved(canvases, 1, -g.OffsetRow, g.Rows * g.TileHeight, filler: 0);
        Tensor tiles = Moved(grid, 2, -g.OffsetColumn, g.Columns * g.TileWidth, filler: 0)
            .Reshape(-1, g.Rows, g.TileHeight, g.Columns, g.TileWidth, channels)
            .Permute(0, 1, 3, 2, 4, 5).Reshape(-1, g.Rows * g.Columns, g.TileHeight, g.TileWidth, channels);
        Tensor slices = Moved(tiles, 1, -g.EmptyBefore, Patch.Z, filler: 0);
        slices = Moved(slices, 2, -g.MarginRows, g.SliceHeight, filler: 0);
        slices = Moved(slices, 3, -g.MarginColumns, g.SliceWidth, filler: 0);
        return g.Transposed ? slices.Permute(0, 3, 2, 1, 4) : slices.Permute(0, 2, 3, 1, 4);
    }

    /// <summary>y[i] = x[i - offset] along an axis of another size, the filler where there is no such x.</summary>
    static Tensor Moved(Tensor x, int axis, int offset, int size, int filler)
    {
        int before = Math.Max(offset, 0), after = Math.Max(size - offset - x.Size(axis), 0);
        int first = Math.Max(-offset, 0), count = size - before - after;
        if (count < x.Size(axis)) x = x.Slice(axis, first, count);
        if (before + after == 0) return x;
        var widths = new (int, int)[x.Rank];
        widths[axis] = (before, after);
        return x.Pad(widths, filler);
    }
}
