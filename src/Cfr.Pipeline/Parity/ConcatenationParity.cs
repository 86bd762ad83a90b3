using System.Text.Json;
using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Mosaics of slices. Kind <c>sam-concat</c>: grids by the paper's equation, <c>paper/I</c>; canvases of the authors' program,
/// <c>release/I</c>, of counting volumes (voxel i is i + 1, its label i mod 5), sizes of others, <c>release_full/I</c>; grey
/// curves, <c>curve/I</c>. Kind <c>ssl-concat</c>: canvases of labels and of generated volumes <c>XxYxZ_S</c>, and sizes
/// (metadata <c>geometry</c>). The curves within 1e-6, all else exact.
/// </summary>
static class ConcatenationParity
{
    const double CurveTolerance = 1e-6;

    public static void RunSam(ParityRun run)
    {
        foreach (string name in Groups(run.File, "paper/")) CheckPaper(run, name);
        foreach (string name in Groups(run.File, "release/").Concat(Groups(run.File, "release_full/"))) CheckRelease(run, name);
        foreach (string name in Groups(run.File, "curve/").Where(name => run.File.Has($"{name}/control"))) CheckCurve(run, name);
    }

    public static void RunSsl(ParityRun run)
    {
        ReferenceFile file = run.File;
        foreach (string name in Groups(file, ""))
        {
            GridSize size = Size([.. file.Shape($"{name}/volume_u8_label")]);
            int canvas = int.Parse(name[(name.IndexOf('_') + 1)..]);
            var mosaic = new NativeMosaic(MosaicGeometry.Published(size, canvas), Batch.Unknown);
            run.Output($"{name}/mosaic_label", Labels(run, mosaic, Ints(file, $"{name}/volume_u8_label")), tolerance: 0);
            float[] image = Images(
                run, mosaic, Generator.Signed($"vol{size.X}", file.Seed, size.Voxels, scale: 1));
            int[] at = file.Indices($"{name}/mosaic_image_idx", image.Length);
            run.Output($"{name}/mosaic_image_at", [.. at.Select(i => image[i])], tolerance: 0);
        }
        foreach (JsonElement row in JsonDocument.Parse(file.Text("geometry")).RootElement.EnumerateArray())
        {
            JsonElement slice = row.GetProperty("slice_hw");
            int Of(string key) => row.GetProperty(key).GetInt32();
            MosaicGeometry got = MosaicGeometry.Published(
                new(slice[0].GetInt32(), slice[1].GetInt32(), Of("depth")), Of("canvas"));
            run.Output(
                $"geometry of {got.Patch}",
                [got.Rows, got.Columns, got.MarginRows, got.EmptyBefore, got.TileHeight, got.OffsetRow],
                [
                    Of("rows"), Of("cols"), Of("pad_each_side_of_slice"), Of("empty_slices_in_front"), Of("tile"),
                    Of("canvas_offset"),
                ],
                tolerance: 0);
        }
    }

    static void CheckPaper(ParityRun run, string name)
    {
        GridSize size = Size([.. run.File.Shape($"{name}/volume")]);
        int side = (int)run.File.Values($"{name}/d")[0], canvas = side * Math.Max(size.X, size.Y);
        var mosaic = new NativeMosaic(MosaicGeometry.Paper(size, canvas), Batch.Unknown);
        run.Output($"{name}/d", [mosaic.Geometry.Rows], tolerance: 0);
        Tensor image = mosaic.Images(Volume(run, size, run.File.Floats($"{name}/volume")));
        run.Output($"{name}/grid", image.Slice(1, 0, side * size.X).Slice(2, 0, side * size.Y), tolerance: 0);
    }

    static void CheckRelease(ParityRun run, string name)
    {
        GridSize size = Size(Ints(run.File, $"{name}/volume_shape"));
        int[] numbers = Ints(run.File, $"{name}/geometry");
        int[] index = [.. Enumerable.Range(0, (int)size.Voxels)];
        // The original loses the slices for which there is no tile.
        int room = MosaicGeometry.Room(MosaicLayout.Release, size, numbers[0]);
        if (size.Z > room)
        {
            index = [.. index.Where(i => size.IndexOf(i).Z < room)];
            size = size with { Z = room };
        }
        MosaicGeometry got = MosaicGeometry.Published(size, numbers[0]);
        run.Output($"{name}/geometry",
        [
            got.ImageSize, got.Rows, got.Columns, got.MarginRows, got.MarginColumns, got.EmptyBefore, got.OffsetRow,
            got.OffsetColumn, got.TileHeight, got.TileWidth,
        ], tolerance: 0);
        if (!run.File.Has($"{name}/canvas_index")) return;
        var mosaic = new NativeMosaic(got, Batch.Unknown);
        run.Output($"{name}/canvas_index", Images(run, mosaic, [.. index.Select(i => i + 1f)]), tolerance: 0);
        run.Output($"{name}/canvas_label", Labels(run, mosaic, [.. index.Select(i => i % 5)]), tolerance: 0);
    }

    static void CheckCurve(ParityRun run, string name)
    {
        double[] control = run.File.Values($"{name}/control");
        var curve = new BezierCurve(control[0], control[1], control[2], control[3]);
        double[] got = [.. run.File.Values("curve/x").Select(x => curve[x])];
        run.Output($"{name}/y_monotone", got, run.File.Values($"{name}/y_monotone"), CurveTolerance);
    }

    static float[] Images(ParityRun run, NativeMosaic mosaic, float[] voxels) =>
        mosaic.Images(Volume(run, mosaic.Patch, voxels)).ToArray();

    static float[] Labels(ParityRun run, NativeMosaic mosaic, int[] voxels)
    {
        Tensor labels = run.Session.Labels(voxels, [1, mosaic.Patch.X, mosaic.Patch.Y, mosaic.Patch.Z]);
        return [.. mosaic.Labels(labels).ToIntArray().Select(label => (float)label)];
    }

    static Tensor Volume(ParityRun run, GridSize size, float[] voxels) =>
        run.Session.Tensor(voxels, [1, size.X, size.Y, size.Z, 1]);

    /// <summary>What stands between the prefix and the last part of the tensors' names, with the prefix.</summary>
    static IEnumerable<string> Groups(ReferenceFile file, string prefix) =>
    [
        .. file.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.LastIndexOf('/') >= prefix.Length)
            .Select(name => name[..name.LastIndexOf('/')]).Distinct().Order(StringComparer.Ordinal),
    ];

    static int[] Ints(ReferenceFile file, string name) => [.. file.Values(name).Select(value => (int)value)];

    static GridSize Size(int[] sizes) => sizes is [var x, var y, var z]
        ? new GridSize(x, y, z)
        : throw new ArgumentException($"{sizes.Length} sizes of a volume; expected three");
}
