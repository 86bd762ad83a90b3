using System.Globalization;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// <c>cropping.csv</c> of the multi-organ abdominal CT release: for each scan the box inside which the organs are
/// annotated. Columns <c>publisher</c> (TCIA or another), <c>original_id</c> and <c>extent_left, extent_right, extent_ant,
/// extent_post, extent_inf, extent_sup</c>: voxels counted along axes to the left, back and head, as the scan's slices are
/// looked at; of each pair the smaller is the first voxel, the larger the end.
/// </summary>
sealed class CropTable
{
    public const string FileName = "cropping.csv";

    static readonly string[] Extents = ["extent_left", "extent_right", "extent_ant", "extent_post", "extent_inf", "extent_sup"];

    readonly string _path;
    readonly Dictionary<string, int[]> _boxes = [];

    CropTable(string path) => _path = path;

    public static CropTable Read(string path)
    {
        var table = new CropTable(path);
        string[][] rows = [.. File.ReadLines(path).Where(line => line.Trim() != "").Select(line => line.Split(',', StringSplitOptions.TrimEntries))];
        int[] columns = [.. Extents.Prepend("original_id").Prepend("publisher").Select(name =>
            Array.IndexOf(rows.Length > 0 ? rows[0] : [], name) is >= 0 and var column
                ? column
                : throw new BadDataException($"{path}: no column {name}"))];
        for (int i = 1; i < rows.Length; i++)
        {
            string[] cells = [.. columns.Select(column => column < rows[i].Length ? rows[i][column] : "")];
            int[] numbers = [.. cells[1..].Select(cell => int.TryParse(cell, CultureInfo.InvariantCulture, out int number) && number >= 0
                ? number
                : throw new BadDataException($"{path}: '{cell}' in row {i + 1}; expected whole numbers from 0"))];
            string source = cells[0].Contains("TCIA", StringComparison.OrdinalIgnoreCase) ? "tcia" : "btcv";
            table._boxes[$"{source}_{numbers[0]:D4}"] = numbers[1..];
        }
        return table;
    }

    /// <summary>The box of a case whose label lies to the left, back and head.</summary>
    /// <exception cref="BadDataException">There is none, or it leaves out most of what is labelled.</exception>
    public VoxelBox For(Case raw, LabelMap label)
    {
        if (!_boxes.TryGetValue(raw.Name, out int[]? extents))
            throw new BadDataException($"{_path}: no row for case {raw.Name}");
        var ((x0, x1), (y0, y1), (z0, z1)) = (
            Range(extents[0], extents[1], label.Size.X), Range(extents[2], extents[3], label.Size.Y),
            Range(extents[4], extents[5], label.Size.Z));
        var box = new VoxelBox(x0, y0, z0, x1, y1, z1);
        long all = Labelled(label.Voxels), inside = box.Size.Voxels > 0 ? Labelled(box.Cut(label).Voxels) : 0;
        if (inside == 0 || inside < all / 2)
            throw new BadDataException($"{_path}: the box of case {raw.Name} holds {inside} of {all} labelled voxels;"
                + " expected most of them (axes to the left, back and head)");
        return box;

        static (int, int) Range(int a, int b, int size) => (Math.Min(Math.Min(a, b), size), Math.Min(Math.Max(a, b), size));

        static long Labelled(byte[] voxels) => voxels.LongCount(value => value != 0);
    }
}
