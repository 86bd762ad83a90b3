using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// A ground with objects on it, some of them with parts, some half hidden. With a moment it is one of a series: the same objects, each
/// of which appears, grows, shrinks and vanishes again while all drift a little.
/// </summary>
static class Scene
{
    const float Smallest = 2.5f;

    /// <summary>Draws a scene into a region.</summary>
    /// <param name="canvas">Where.</param>
    /// <param name="region">The part of it.</param>
    /// <param name="random">All that is drawn depends on it.</param>
    /// <param name="isGrey">Whether there are colours.</param>
    /// <param name="moment">In a series, from 0 to 1.</param>
    public static void Draw(Canvas canvas, Region region, RandomNumbers random, bool isGrey, float? moment = null)
    {
        float extent = Math.Min(region.Width, region.Height);
        Paint ground = Paint.Ground(random, isGrey, extent);
        canvas.Fill(region, ground);
        bool isSmall = extent < 80;
        int objects = isSmall ? random.Between(1, 5) : random.Between(3, 13);
        float least = MathF.Max(Smallest, (isSmall ? 0.12f : 0.035f) * extent), most = 0.42f * extent;
        float driftX = random.Uniform(-0.1f, 0.1f) * extent, driftY = random.Uniform(-0.1f, 0.1f) * extent;
        for (int i = 0; i < objects; i++)
        {
            float scale = MathF.Exp(random.Uniform(MathF.Log(least), MathF.Log(most)));
            float x = region.Left + random.Uniform() * region.Width, y = region.Top + random.Uniform() * region.Height;
            float angle = random.Uniform(0, 2 * MathF.PI), softness = random.Uniform(0.8f, 2.5f);
            float peak = random.Uniform(), width = random.Uniform(0.25f, 0.9f);
            var figure = Figure.Draw(random, 3 / scale);
            var paint = Paint.Object(random, isGrey, scale, ground.Colour);
            int parts = scale > 8 && random.Uniform() < 0.4f ? random.Between(1, 4) : 0;
            float size = 1;
            if (moment is { } t)
            {
                size = MathF.Sqrt(MathF.Max(0, 1 - (t - peak) * (t - peak) / (width * width)));
                (x, y) = (x + driftX * (t - 0.5f), y + driftY * (t - 0.5f));
            }
            var placed = new Placed(figure, x, y, MathF.Max(scale * size, 1e-3f), angle);
            bool isThere = placed.Scale >= Smallest;
            int number = isThere ? canvas.Draw(region, placed, paint, softness) : Drawing.Nobody;
            for (int part = 0; part < parts; part++) DrawPart(canvas, region, random, isGrey, paint, placed, number);
        }
    }

    static void DrawPart(
        Canvas canvas, Region region, RandomNumbers random, bool isGrey, Paint around, Placed whole, int number)
    {
        float share = random.Uniform(0.2f, 0.6f), distance = random.Uniform(0, 0.6f), direction = random.Uniform(0, 2 * MathF.PI);
        float scale = share * whole.Scale;
        var figure = Figure.Draw(random, 3 / (share * 8));
        Paint paint = Paint.Object(random, isGrey, MathF.Max(scale, 1), around.Colour);
        float angle = random.Uniform(0, 2 * MathF.PI), softness = random.Uniform(0.8f, 2);
        if (number == Drawing.Nobody || scale < Smallest) return;
        var placed = new Placed(
            figure, whole.X + distance * whole.Scale * MathF.Cos(direction), whole.Y + distance * whole.Scale * MathF.Sin(direction),
            scale, angle);
        canvas.Draw(region, placed, paint, softness, (number, whole));
    }
}
