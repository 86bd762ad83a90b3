using Cfr.Kernels;
using Cfr.Pipeline.Pretraining;

namespace Cfr.Pipeline.Tests.Pretraining;

/// <summary>Pictures drawn by rule, and the masks of what is in them.</summary>
public class DrawingTests
{
    const int Size = 96;
    const ulong Seed = 7;

    [Fact]
    public void A_drawing_depends_on_its_seed_and_number_alone()
    {
        Drawing[] inTurn = [.. Enumerable.Range(0, 8).Select(i => Drawing.Draw(Seed, (ulong)i, Size))];
        var atOnce = new Drawing[inTurn.Length];
        Parallel.For(0, atOnce.Length, i => atOnce[i] = Drawing.Draw(Seed, (ulong)i, Size));
        for (int i = 0; i < inTurn.Length; i++)
        {
            Assert.Equal(inTurn[i].Pixels, atOnce[i].Pixels);
            Assert.Equal(inTurn[i].Objects, atOnce[i].Objects);
            Assert.All(inTurn[i].Objects, number => Assert.Equal(inTurn[i].Mask(number), atOnce[i].Mask(number)));
            Assert.NotEqual(inTurn[i].Pixels, Drawing.Draw(Seed + 1, (ulong)i, Size).Pixels);
        }
        Assert.Equal(inTurn.Length, inTurn.Select(drawing => drawing.Pixels[0]).Distinct().Count());
    }

    [Fact]
    public void Every_drawing_has_objects_that_can_be_seen_and_is_standardised()
    {
        for (ulong i = 0; i < 40; i++)
        {
            Drawing drawing = Drawing.Draw(Seed, i, Size);
            Assert.NotEmpty(drawing.Objects);
            Assert.All(drawing.Objects, number => Assert.InRange(drawing.Mask(number).Count(pixel => pixel), 12, Size * Size));
            double mean = drawing.Pixels.Average(pixel => (double)pixel);
            double square = drawing.Pixels.Average(pixel => (double)pixel * pixel);
            Assert.Equal(0, mean, 1e-4);
            Assert.Equal(1, square, 1e-3);
        }
    }

    [Fact]
    public void A_mask_covers_the_pixels_whose_distance_is_negative()
    {
        var random = new RandomNumbers(RandomKey.For(Seed, "test"));
        for (int attempt = 0; attempt < 20; attempt++)
        {
            var canvas = new Canvas(Size);
            var all = new Region(0, 0, Size, Size);
            var figure = new Placed(Figure.Draw(random, 0.2f), 48, 45, random.Uniform(8, 30), random.Uniform(0, 6));
            Paint paint = Paint.Object(random, isGrey: true, 20, [0.5f, 0.5f, 0.5f]);
            Assert.Equal(0, canvas.Draw(all, figure, paint, softness: 1));
            for (int y = 0; y < Size; y++)
                for (int x = 0; x < Size; x++)
                {
                    float distance = figure.Distance(x, y);
                    bool isDrawn = canvas.Pixels[3 * (y * Size + x)] != 0.5f;
                    Assert.Equal(distance <= 0, canvas.Owners[y * Size + x] == 0);
                    if (distance > 0.5f) Assert.False(isDrawn, $"({x}, {y}) is {distance} outside, and was painted");
                }
        }
    }

    [Fact]
    public void A_part_lies_within_its_whole_and_what_comes_later_hides_what_was_there()
    {
        var canvas = new Canvas(Size);
        var all = new Region(0, 0, Size, Size);
        Paint paint = Paint.Object(new RandomNumbers(RandomKey.For(Seed, "paint")), isGrey: true, 20, [0.5f, 0.5f, 0.5f]);
        var whole = new Placed(new Disc(), 40, 40, 20, 0);
        canvas.Draw(all, whole, paint, softness: 1);
        canvas.Draw(all, new Placed(new Disc(), 55, 40, 12, 0), paint, softness: 1, (0, whole));
        canvas.Draw(all, new Placed(new Disc(), 40, 58, 10, 0), paint, softness: 1);
        Drawing drawing = new(canvas);

        Assert.Equal([0, 1, 2], drawing.Objects);
        for (int i = 0; i < Size * Size; i++)
        {
            int x = i % Size, y = i / Size;
            bool inWhole = Within(40, 40, 20), inPart = Within(55, 40, 12), inOther = Within(40, 58, 10);
            Assert.Equal(inWhole && !inOther, drawing.Mask(0)[i]);
            Assert.Equal(inWhole && inPart && !inOther, drawing.Mask(1)[i]);
            Assert.Equal(inOther, drawing.Mask(2)[i]);

            bool Within(int centreX, int centreY, int radius) =>
                (x - centreX) * (x - centreX) + (y - centreY) * (y - centreY) <= radius * radius;
        }
    }

    [Fact]
    public void A_drawing_explains_where_objects_are_and_where_they_end_and_what_was_drawn()
    {
        Drawing drawing = Drawing.Draw(Seed, 3, Size);
        const int side = Size / 2;
        float[] objects = new float[side * side], borders = new float[side * side], greys = new float[side * side];
        drawing.Explain(side, objects, borders, greys);
        bool[][] masks = [.. drawing.Objects.Select(drawing.Mask)];
        foreach (bool[] mask in masks)
            for (int at = 0; at < objects.Length; at++)
            {
                int pixel = at / side * 2 * Size + at % side * 2;
                bool[] four = [mask[pixel], mask[pixel + 1], mask[pixel + Size], mask[pixel + Size + 1]];
                if (four.Count(isIn => isIn) >= 2) Assert.Equal(1, objects[at]);
                if (four.Distinct().Count() == 2) Assert.Equal(1, borders[at]);
            }
        Assert.InRange(borders.Sum(), 1, 0.5 * borders.Length);
        Assert.Equal(0, greys.Average(), 1e-4);
        float[] seen = [.. Enumerable.Range(0, greys.Length).Select(at => drawing.Pixels[3 * (at / side * 2 * Size + at % side * 2)])];
        double correlation = greys.Zip(seen, (clean, noisy) => (double)clean * noisy).Average()
            / Math.Sqrt(greys.Average(grey => grey * grey) * seen.Average(grey => grey * grey));
        Assert.InRange(correlation, 0.7, 1);
    }

    [Fact]
    public void Points_lie_in_objects_and_boxes_around_them()
    {
        var random = new RandomNumbers(RandomKey.For(Seed, "prompts"));
        for (ulong i = 0; i < 10; i++)
        {
            Drawing drawing = Drawing.Draw(Seed, i, Size);
            foreach (int number in drawing.Objects)
            {
                var target = new DrawnObject(drawing, number);
                float[] point = target.DrawPoint(random), box = target.DrawBox(random);
                Assert.True(target.Mask[(int)point[1] * Size + (int)point[0]]);
                float[] truth = [target.Box.Left, target.Box.Top, target.Box.Right, target.Box.Bottom];
                for (int side = 0; side < 4; side++)
                {
                    float extent = truth[side % 2 + 2] - truth[side % 2] + 1;
                    Assert.InRange(box[side] - truth[side], -0.1001f * extent, 0.1001f * extent);
                    Assert.InRange(box[side], 0, Size - 1);
                }
            }
        }
    }

    sealed class Disc : Figure
    {
        public override float Reach => 1;

        public override float Distance(float x, float y) => MathF.Sqrt(x * x + y * y) - 1;
    }
}
