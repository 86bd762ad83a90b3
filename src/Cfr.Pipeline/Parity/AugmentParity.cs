using System.Text.Json;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>augment</c>: <c>rotflip/in</c> turned k times and flipped along an axis, <c>rotflip/kK_axisA</c>; crops
/// <c>crop/I.out</c> at given offsets, their ranges (metadata <c>crop_cases</c>), and centre crops <c>crop/I.center</c>. All
/// exact.
/// </summary>
static class AugmentParity
{
    public static void Run(ParityRun run)
    {
        for (int quarters = 0; run.File.Has("rotflip/in") && quarters < 4; quarters++)
            for (int axis = 0; axis < 2; axis++)
            {
                var turn = new RotateFlip(quarters, axis);
                GridSize turned = turn.Of(Size(run.File, "rotflip/in"));
                Check(run, "rotflip/in", $"rotflip/k{quarters}_axis{axis}", turn, new Crop(turned, default, 0, 0, 0));
            }
        if (!run.File.Says("crop_cases")) return;
        JsonElement cases = JsonDocument.Parse(run.File.Text("crop_cases")).RootElement;
        for (int i = 0; i < cases.GetArrayLength(); i++) CheckCrop(run, $"crop/{i}", cases[i]);
    }

    static void CheckCrop(ParityRun run, string name, JsonElement expected)
    {
        GridSize size = Size(run.File, $"{name}.in");
        int[] patch = Numbers(expected.GetProperty("patch")), offsets = Numbers(expected.GetProperty("offsets"));
        var cut = new GridSize(patch[0], patch[1], patch[2]);
        var (padding, room) = Crop.Room(size, cut);
        Check(run, $"{name}.in", $"{name}.out", null, new Crop(cut, padding, offsets[0], offsets[1], offsets[2]));
        Check(run, $"{name}.in", $"{name}.center", null, Crop.Center(size, cut));
        double[] ranges = [.. expected.GetProperty("offset_ranges_half_open").EnumerateArray()
            .SelectMany(range => Numbers(range)).Select(bound => (double)bound)];
        run.Output($"{name}: offset_ranges", [0, room.X, 0, room.Y, 0, room.Z], ranges, tolerance: 0);
    }

    static void Check(ParityRun run, string from, string to, RotateFlip? turn, Crop crop)
    {
        if (!run.File.Has(to)) return;
        float[] got = new float[crop.Patch.Voxels];
        new PatchDraw(turn, crop).Cut(Size(run.File, from), run.File.Floats(from), got);
        double[] shape = [crop.Patch.X, crop.Patch.Y, crop.Patch.Z];
        run.Output($"{to}: sizes", shape, [.. run.File.Shape(to).Select(size => (double)size)], tolerance: 0);
        run.Output(to, got, tolerance: 0);
    }

    static GridSize Size(ReferenceFile file, string name) => file.Shape(name) is { Rank: 3 } shape
        ? new GridSize(shape[0], shape[1], shape[2])
        : throw file.Bad($"'{name}' is {file.Shape(name)}; expected a volume of three axes");

    static int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetInt32())];
}
