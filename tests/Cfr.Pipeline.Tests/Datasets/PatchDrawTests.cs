using System.Text.Json;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

public class PatchDrawTests
{
    /// <summary>Quarters of a turn, and the axis of the flip after it.</summary>
    public static MatrixTheoryData<int, int> Turns => new([0, 1, 2, 3], [0, 1]);

    [Theory, MemberData(nameof(Turns))]
    public void A_turn_and_flip_is_the_references_bit_for_bit(int quarters, int axis)
    {
        using var golden = new GoldenFile("ssl/augment.safetensors");
        var turn = new RotateFlip(quarters, axis);
        GridSize size = Size(golden.Shape("rotflip/in")), turned = turn.Of(size);
        Assert.Equal(Size(golden.Shape($"rotflip/k{quarters}_axis{axis}")), turned);
        var whole = new PatchDraw(turn, new Crop(turned, default, 0, 0, 0));
        Assert.Equal(Floats(golden, $"rotflip/k{quarters}_axis{axis}"), Cut(whole, size, Floats(golden, "rotflip/in")));
    }

    [Fact]
    public void Crops_offsets_and_padding_are_the_references_bit_for_bit()
    {
        using var golden = new GoldenFile("ssl/augment.safetensors");
        JsonElement[] cases = [.. JsonDocument.Parse(golden.Metadata["crop_cases"]).RootElement.EnumerateArray()];
        Assert.NotEmpty(cases);
        for (int i = 0; i < cases.Length; i++)
        {
            int[] offsets = Numbers(cases[i].GetProperty("offsets"));
            GridSize size = Size(Numbers(cases[i].GetProperty("volume"))), patch = Size(Numbers(cases[i].GetProperty("patch")));
            var (padding, room) = Crop.Room(size, patch);
            int[][] ranges = [.. cases[i].GetProperty("offset_ranges_half_open").EnumerateArray().Select(Numbers)];
            Assert.Equal([[0, room.X], [0, room.Y], [0, room.Z]], ranges);

            float[] volume = Floats(golden, $"crop/{i}.in");
            var crop = new Crop(patch, padding, offsets[0], offsets[1], offsets[2]);
            Assert.Equal(Floats(golden, $"crop/{i}.out"), Cut(new PatchDraw(null, crop), size, volume));
            Assert.Equal(
                Floats(golden, $"crop/{i}.center"), Cut(new PatchDraw(null, Crop.Center(size, patch)), size, volume));
        }
    }

    [Fact]
    public void A_patch_of_a_turned_volume_is_the_turned_volumes_patch()
    {
        GridSize size = new(9, 6, 37), patch = new(4, 7, 21);
        float[] volume = Counting(size);
        byte[] label = [.. volume.Select(value => (byte)(value * 7 % 251))];
        var random = new RandomNumbers(RandomKey.For(1, "test"));
        for (int i = 0; i < 200; i++)
        {
            PatchDraw draw = PatchDraw.Draw(size, patch, rotateFlip: true, random);
            GridSize turned = draw.Turn!.Value.Of(size);
            float[] first = Cut(new PatchDraw(draw.Turn, new Crop(turned, default, 0, 0, 0)), size, volume);
            Assert.Equal(Cut(new PatchDraw(null, draw.Crop), turned, first), Cut(draw, size, volume));

            int[] classes = new int[patch.Voxels];
            draw.Cut(size, label, classes);
            Assert.Equal(Cut(draw, size, [.. label.Select(value => (float)value)]), classes.Select(value => (float)value));
        }
    }

    [Fact]
    public void A_patch_of_padding_alone_is_zero()
    {
        // 7 voxels along each axis with the padding, the only one of the volume in the middle.
        GridSize size = new(1, 1, 1), patch = new(2, 2, 2);
        var (padding, room) = Crop.Room(size, patch);
        Assert.Equal((new GridSize(3, 3, 3), new GridSize(5, 5, 5)), (padding, room));
        for (int x = 0; x < 5; x++)
            for (int y = 0; y < 5; y++)
                for (int z = 0; z < 5; z++)
                {
                    float[] cut = Cut(new(new RotateFlip(1, 0), new Crop(patch, padding, x, y, z)), size, [7]);
                    bool holdsIt = x is 2 or 3 && y is 2 or 3 && z is 2 or 3;
                    Assert.Equal(holdsIt ? 7 : 0, cut.Sum());
                    Assert.Equal(holdsIt ? 1 : 0, cut.Count(value => value == 7));
                }
    }

    [Fact]
    public void All_eight_turns_and_all_offsets_but_the_last_are_drawn()
    {
        GridSize size = new(7, 6, 5), patch = new(4, 4, 4);
        var random = new RandomNumbers(RandomKey.For(2, "test"));
        PatchDraw[] draws = [.. Enumerable.Range(0, 4000).Select(_ => PatchDraw.Draw(size, patch, true, random))];
        Assert.Equal(8, draws.Select(draw => draw.Turn).Distinct().Count());
        PatchDraw[] upright = [.. draws.Where(draw => int.IsEvenInteger(draw.Turn!.Value.Quarters))];
        Assert.Equal([0, 1, 2], upright.Select(draw => draw.Crop.OffsetX).Distinct().Order());
        Assert.Equal([0, 1], upright.Select(draw => draw.Crop.OffsetY).Distinct().Order());
        Assert.Equal([0], upright.Select(draw => draw.Crop.OffsetZ).Distinct());
    }

    [Fact]
    public void Without_turns_none_is_drawn()
    {
        var random = new RandomNumbers(RandomKey.For(2, "test"));
        Assert.Null(PatchDraw.Draw(new(7, 6, 5), new(4, 4, 4), rotateFlip: false, random).Turn);
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(4, 1)]
    [InlineData(1, 2)]
    [InlineData(0, 3)]
    [InlineData(-3, 4)]
    public void Padding_rounds_down(int excess, int padding)
    {
        // The last axis forces padding on all.
        GridSize padded = Crop.PaddingOf(new(20 + excess, 40, 8), new(20, 20, 8));
        Assert.Equal(new GridSize(padding, 0, 3), padded);
    }

    static float[] Cut(PatchDraw draw, GridSize size, float[] volume)
    {
        float[] patch = new float[draw.Crop.Patch.Voxels];
        Array.Fill(patch, float.NaN);
        draw.Cut(size, volume, patch);
        return patch;
    }

    static float[] Counting(GridSize size) => [.. Enumerable.Range(1, (int)size.Voxels).Select(i => (float)i)];

    static float[] Floats(GoldenFile golden, string tensor) => [.. golden.Values(tensor).Select(value => (float)value)];

    static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(element => element.GetInt32())];

    static GridSize Size(Shape shape) => new((int)shape[0], (int)shape[1], (int)shape[2]);

    static GridSize Size(int[] sizes) => new(sizes[0], sizes[1], sizes[2]);
}
