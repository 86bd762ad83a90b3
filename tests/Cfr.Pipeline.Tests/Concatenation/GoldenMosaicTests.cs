using System.Text.Json;
using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Parity;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Concatenation;

/// <summary>Mosaics and curves of the original programs.</summary>
public sealed class GoldenMosaicTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public GoldenMosaicTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    public void The_papers_grid_is_the_references(string name)
    {
        using var golden = new GoldenFile("sam/concat.safetensors");
        GridSize size = Size(golden.Shape($"paper/{name}/volume"));
        MosaicGeometry geometry = MosaicGeometry.Paper(size, imageSize: 64);
        Assert.Equal(golden.Values($"paper/{name}/d")[0], geometry.Rows);
        Shape grid = golden.Shape($"paper/{name}/grid");
        int[] canvas = [.. Floats(new NativeMosaic(geometry, 0), golden.Values($"paper/{name}/volume")).Select(value => (int)value)];
        int[] want = new int[64 * 64], cells = [.. golden.Values($"paper/{name}/grid").Select(value => (int)value)];
        for (int row = 0; row < grid[0]; row++)
            cells.AsSpan(row * grid[1], grid[1]).CopyTo(want.AsSpan(row * 64));
        Assert.Equal(want, canvas);
    }

    [Theory]
    [InlineData("border")]
    [InlineData("crop")]
    [InlineData("exact")]
    [InlineData("nonsquare")]
    [InlineData("toodeep")]
    public void The_releases_canvas_is_the_references(string name)
    {
        using var golden = new GoldenFile("sam/concat.safetensors");
        GridSize size = Size(Ints(golden, $"release/{name}/volume_shape"));
        int[] index = [.. Enumerable.Range(0, (int)size.Voxels)];
        if (name == "toodeep")
        {
            Assert.Throws<ArgumentException>(() => MosaicGeometry.Release(size, 64));
            // The original loses all slices after the sixteenth.
            index = [.. index.Where(i => size.IndexOf(i).Z < 16)];
            size = size with { Z = 16 };
        }
        var mosaic = new NativeMosaic(MosaicGeometry.Release(size, 64), labelFiller: 255);
        Assert.Equal(Ints(golden, $"release/{name}/geometry"), Numbers(mosaic.Geometry));
        Assert.Equal(
            golden.Values($"release/{name}/canvas_index"), Floats(mosaic, index.Select(i => i + 1.0)).Select(value => (double)value));
        Assert.Equal(
            Ints(golden, $"release/{name}/canvas_label"), Labels(mosaic, index.Select(i => i % 5)));
    }

    [Theory]
    [InlineData("la")]
    [InlineData("cube64")]
    [InlineData("cube96")]
    [InlineData("cube128")]
    public void The_numbers_at_full_size_are_the_references(string name)
    {
        using var golden = new GoldenFile("sam/concat.safetensors");
        GridSize size = Size(Ints(golden, $"release_full/{name}/volume_shape"));
        Assert.Equal(Ints(golden, $"release_full/{name}/geometry"), Numbers(MosaicGeometry.Release(size, 1024)));
    }

    [Fact]
    public void So_are_those_of_the_other_table()
    {
        using var golden = new GoldenFile("ssl/concat.safetensors");
        JsonElement table = JsonDocument.Parse(golden.Metadata["geometry"]).RootElement;
        Assert.Equal(6, table.GetArrayLength());
        foreach (JsonElement row in table.EnumerateArray())
        {
            JsonElement slice = row.GetProperty("slice_hw");
            int Of(string key) => row.GetProperty(key).GetInt32();
            MosaicGeometry got = MosaicGeometry.Published(
                new(slice[0].GetInt32(), slice[1].GetInt32(), Of("depth")), Of("canvas"));
            int[] want =
            [
                Of("rows"), Of("cols"), Of("pad_each_side_of_slice"), Of("empty_slices_in_front"), Of("tile"), Of("canvas_offset"),
            ];
            Assert.Equal(want, new[]
            {
                got.Rows, got.Columns, got.MarginRows, got.EmptyBefore, got.TileHeight, got.OffsetRow,
            });
        }
    }

    [Theory]
    [InlineData("12x12x25_64", "vol12", 64)]
    [InlineData("13x13x81_128", "vol13", 128)]
    [InlineData("9x9x20_64", "vol9", 64)]
    public void Canvases_of_generated_volumes_are_the_references(string name, string generated, int imageSize)
    {
        using var golden = new GoldenFile("ssl/concat.safetensors");
        GridSize size = Size(golden.Shape($"{name}/volume_u8_label"));
        var mosaic = new NativeMosaic(MosaicGeometry.Published(size, imageSize), labelFiller: 255);
        Assert.Equal(
            Ints(golden, $"{name}/mosaic_label"), Labels(mosaic, Ints(golden, $"{name}/volume_u8_label")));
        float[] image = Generator.Signed(generated, seed: 74, size.Voxels, scale: 1);
        golden.AssertClose(
            $"{name}/mosaic_image_at", Floats(mosaic, image.Select(value => (double)value)), tolerance: 0,
            at: $"{name}/mosaic_image_idx");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Grey_curves_are_the_references(int curve)
    {
        using var golden = new GoldenFile("sam/concat.safetensors");
        double[] control = golden.Values($"curve/{curve}/control"), x = golden.Values("curve/x");
        var got = new BezierCurve(control[0], control[1], control[2], control[3]);
        double worst = golden.Values($"curve/{curve}/y_monotone").Zip(x, (y, at) => Math.Abs(got[at] - y)).Max();
        Assert.True(worst <= 1e-9, $"off by {worst:E1}");
    }

    float[] Floats(NativeMosaic mosaic, IEnumerable<double> values) => mosaic.Images(_session.Tensor(
        [.. values.Select(value => (float)value)], [1, mosaic.Patch.X, mosaic.Patch.Y, mosaic.Patch.Z, 1])).ToArray();

    int[] Labels(NativeMosaic mosaic, IEnumerable<int> values) => mosaic.Labels(
        _session.Labels([.. values], [1, mosaic.Patch.X, mosaic.Patch.Y, mosaic.Patch.Z])).ToIntArray();

    /// <summary>In the order of the file's metadata.</summary>
    static int[] Numbers(MosaicGeometry g) =>
    [
        g.ImageSize, g.Rows, g.Columns, g.MarginRows, g.MarginColumns, g.EmptyBefore, g.OffsetRow, g.OffsetColumn, g.TileHeight,
        g.TileWidth,
    ];

    static int[] Ints(GoldenFile golden, string name) => [.. golden.Values(name).Select(value => (int)value)];

    static GridSize Size(IEnumerable<int> sizes) => sizes.ToArray() is [var x, var y, var z]
        ? new(x, y, z) : throw new ArgumentException("three sizes");
}
