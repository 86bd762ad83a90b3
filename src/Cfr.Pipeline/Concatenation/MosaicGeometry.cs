using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Concatenation;

/// <summary>Where the slices of a patch lie on a canvas.</summary>
public enum MosaicLayout
{
    /// <summary>As in the authors' program: <see cref="MosaicGeometry.Release"/>.</summary>
    Release,
    /// <summary>As in the paper's equation 1: <see cref="MosaicGeometry.Paper"/>.</summary>
    Paper,
}

/// <summary>
/// Where every voxel of a patch <c>[X, Y, Z]</c> lies on a square canvas. Slices (along Z) are tiles of a grid, row by row;
/// each has a margin on all sides, some tiles may be empty. The grid begins at the offset; a negative one cuts it.
/// </summary>
/// <param name="Patch">Size of the patch.</param>
/// <param name="ImageSize">Height and width of the canvas in pixels.</param>
/// <param name="Transposed">Whether rows of a tile run along Y and its columns along X, or the other way round.</param>
/// <param name="Rows">Tiles one below the other.</param>
/// <param name="Columns">Tiles side by side.</param>
/// <param name="MarginRows">Empty pixels above and below each slice.</param>
/// <param name="MarginColumns">Empty pixels left and right of each slice.</param>
/// <param name="EmptyBefore">Empty tiles before the first slice.</param>
/// <param name="OffsetRow">Where the grid begins.</param>
/// <param name="OffsetColumn">Where the grid begins.</param>
public sealed record MosaicGeometry(
    GridSize Patch, int ImageSize, bool Transposed, int Rows, int Columns, int MarginRows, int MarginColumns,
    int EmptyBefore, int OffsetRow, int OffsetColumn)
{
    const int LargestImage = 1 << 14;

    /// <summary>Pixels of a slice from top to bottom.</summary>
    public int SliceHeight => Transposed ? Patch.Y : Patch.X;

    /// <summary>Pixels of a slice from left to right.</summary>
    public int SliceWidth => Transposed ? Patch.X : Patch.Y;

    /// <summary>Pixels of a tile from top to bottom.</summary>
    public int TileHeight => SliceHeight + 2 * MarginRows;

    /// <summary>Pixels of a tile from left to right.</summary>
    public int TileWidth => SliceWidth + 2 * MarginColumns;

    /// <summary>Empty tiles after the last slice.</summary>
    public int EmptyAfter => Rows * Columns - Patch.Z - EmptyBefore;

    /// <summary>The layout of that name.</summary>
    /// <exception cref="ArgumentException">The patch does not fit the canvas; the message says what does.</exception>
    public static MosaicGeometry For(MosaicLayout layout, GridSize patch, int imageSize) =>
        layout == MosaicLayout.Paper ? Paper(patch, imageSize) : Release(patch, imageSize);

    /// <summary>
    /// Equation 1 of the paper: d x d tiles, d = ceil(sqrt(Z)), without margins, tile[r, c] = volume[r, c, z]; everything
    /// after the last slice, right of the grid and below it is empty.
    /// </summary>
    /// <inheritdoc cref="For"/>
    public static MosaicGeometry Paper(GridSize patch, int imageSize)
    {
        CheckFits(MosaicLayout.Paper, patch, imageSize);
        int d = Side(patch.Z);
        return new(patch, imageSize, Transposed: false, d, d, 0, 0, 0, 0, 0);
    }

    /// <summary>
    /// The authors' program (<see cref="Published"/>), but for patches of which it would lose voxels: where the canvas would
    /// cut into slices, margins are rounded down.
    /// </summary>
    /// <inheritdoc cref="For"/>
    public static MosaicGeometry Release(GridSize patch, int imageSize)
    {
        CheckFits(MosaicLayout.Release, patch, imageSize);
        MosaicGeometry published = Published(patch, imageSize);
        var (rows, columns) = (published.MarginRows, published.MarginColumns);
        if (-published.OffsetRow > rows) rows = (imageSize / published.Rows - published.SliceHeight) / 2;
        if (-published.OffsetColumn > columns) columns = (imageSize / published.Columns - published.SliceWidth) / 2;
        return published.WithMargins(rows, columns);
    }

    /// <summary>
    /// The authors' program, S the canvas: floor(S / Y) x floor(S / X) tiles, tile[r, c] = volume[c, r, z], margins of
    /// round((S / tiles - size) / 2), halves to even; half of the empty tiles, rounded down, come before the slices; the grid
    /// lies in the middle, at floor((S - tile tiles) / 2), and may be cut by the canvas.
    /// </summary>
    internal static MosaicGeometry Published(GridSize patch, int imageSize)
    {
        int rows = imageSize / patch.Y, columns = imageSize / patch.X;
        int before = Math.Max((rows * columns - patch.Z) / 2, 0);
        return new MosaicGeometry(patch, imageSize, Transposed: true, rows, columns, 0, 0, before, 0, 0).WithMargins(
            Margin(rows, patch.Y), Margin(columns, patch.X));

        int Margin(int tiles, int size) =>
            (int)Math.Round(((double)imageSize / tiles - size) / 2, MidpointRounding.ToEven);
    }

    /// <summary>These margins, the grid in the middle of the canvas.</summary>
    internal MosaicGeometry WithMargins(int rows, int columns)
    {
        MosaicGeometry grid = this with { MarginRows = rows, MarginColumns = columns };
        // A shift divides and rounds down, for negative numbers too.
        return grid with
        {
            OffsetRow = (ImageSize - Rows * grid.TileHeight) >> 1,
            OffsetColumn = (ImageSize - Columns * grid.TileWidth) >> 1,
        };
    }

    /// <summary>The pixel of a voxel.</summary>
    public (int Row, int Column) Pixel(int x, int y, int z)
    {
        int tile = EmptyBefore + z;
        return (
            OffsetRow + tile / Columns * TileHeight + MarginRows + (Transposed ? y : x),
            OffsetColumn + tile % Columns * TileWidth + MarginColumns + (Transposed ? x : y));
    }

    /// <summary>How many slices of the patch's X and Y fit the canvas, by this layout.</summary>
    public static int Room(MosaicLayout layout, GridSize patch, int imageSize)
    {
        int alongX = imageSize / patch.X, alongY = imageSize / patch.Y;
        return layout == MosaicLayout.Paper ? Math.Min(alongX, alongY) * Math.Min(alongX, alongY) : alongX * alongY;
    }

    /// <summary>ceil(sqrt(slices)).</summary>
    internal static int Side(int slices)
    {
        int side = (int)Math.Sqrt(slices);
        return side * side < slices ? side + 1 : side;
    }

    static void CheckFits(MosaicLayout layout, GridSize patch, int imageSize)
    {
        CheckSizes(patch, imageSize);
        int room = Room(layout, patch, imageSize);
        if (patch.Z <= room) return;
        int size = Math.Max(patch.X, patch.Y), scale = Math.Min(Side(patch.Z) - 1, ScaledMosaic.LargestScale(imageSize));
        if (layout == MosaicLayout.Paper) size *= Side(patch.Z);
        else while (size <= LargestImage && Room(layout, patch, size) < patch.Z) size++;
        if (size > LargestImage)
            throw new ArgumentException($"{patch.Z} slices of {patch.X}x{patch.Y} fit no image of at most {LargestImage} pixels a side");
        string scaled = scale < 1 ? "" : $", or a scale, at most {scale}";
        throw new ArgumentException(
            $"{patch.Z} slices of {patch.X}x{patch.Y} do not fit an image of {imageSize}x{imageSize}, which has room for {room}; "
            + $"expected an image size of at least {size}{scaled}");
    }

    internal static void CheckSizes(GridSize patch, int imageSize)
    {
        if (Math.Min(patch.X, Math.Min(patch.Y, patch.Z)) < 1) throw new ArgumentException($"a patch of {patch} is empty");
        if (imageSize is < 1 or > LargestImage)
            throw new ArgumentException($"the image size is {imageSize}; expected 1 to {LargestImage}");
    }
}
