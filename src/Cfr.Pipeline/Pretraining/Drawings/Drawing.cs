using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// A picture drawn by rule, and what can be seen in it: ellipses, blobs, polygons, rings and strokes with shading and texture, parts
/// within wholes, one thing before another; then blur, uneven light and noise. Some pictures are one scene, some are tiles of a grid
/// with a scene each, some of these a series of one changing scene.
/// </summary>
/// <example><code>
/// Drawing drawing = Drawing.Draw(seed: 1337, index: 0, size: 256);
/// bool[] mask = drawing.Mask(drawing.Objects[0]);
/// </code></example>
public sealed class Drawing
{
    /// <summary>The owner of a pixel of the ground, and the whole of what is no part.</summary>
    internal const short Nobody = -1;

    /// <summary>Objects of fewer visible pixels do not count, nor those of which a smaller share is visible.</summary>
    const int LeastPixels = 12, LeastTile = 32;
    const float LeastVisible = 0.3f;

    readonly short[] _owners;
    readonly int[] _parents;
    readonly float[] _clean;

    /// <summary>A finished canvas, with its greys from before it was finished.</summary>
    internal Drawing(Canvas canvas, float[]? clean = null)
    {
        (Size, Pixels, _owners, _parents) = (canvas.Size, canvas.Pixels, canvas.Owners, [.. canvas.Parents]);
        _clean = clean ?? Greys(canvas);
        int[] visible = new int[_parents.Length];
        foreach (short owner in _owners)
            if (owner != Nobody) visible[owner]++;
        for (int i = _parents.Length - 1; i >= 0; i--)
            if (_parents[i] != Nobody) visible[_parents[i]] += visible[i];
        Objects = [.. Enumerable.Range(0, visible.Length)
            .Where(i => visible[i] >= LeastPixels && visible[i] >= LeastVisible * canvas.Drawn[i])];
    }

    /// <summary>Height and width in pixels.</summary>
    public int Size { get; }

    /// <summary>[S, S, 3], of mean 0 and deviation 1 over the whole picture.</summary>
    public float[] Pixels { get; }

    /// <summary>The objects that can be seen well enough, wholes and parts alike.</summary>
    public IReadOnlyList<int> Objects { get; }

    /// <summary>[S, S], true where an object or one of its parts is on top.</summary>
    public bool[] Mask(int number)
    {
        bool[] belongs = new bool[_parents.Length];
        for (int i = number; i < belongs.Length; i++)
            belongs[i] = i == number || _parents[i] != Nobody && belongs[_parents[i]];
        bool[] mask = new bool[_owners.Length];
        for (int i = 0; i < mask.Length; i++) mask[i] = _owners[i] != Nobody && belongs[_owners[i]];
        return mask;
    }

    /// <summary>
    /// Where objects of any kind are (at least half of the pixels), where one ends and another thing begins (any pixel), and the greys as
    /// they were drawn, without blur, uneven light and noise, of mean 0 and deviation 1: at another resolution, [side, side] each.
    /// </summary>
    internal void Explain(int side, Span<float> objects, Span<float> borders, Span<float> greys)
    {
        int factor = Size / side;
        objects.Clear();
        borders.Clear();
        greys.Clear();
        for (int i = 0; i < _owners.Length; i++)
        {
            int x = i % Size, y = i / Size, at = y / factor * side + x / factor;
            greys[at] += _clean[i] / (factor * factor);
            if (_owners[i] != Nobody) objects[at]++;
            bool isBorder = x + 1 < Size && _owners[i] != _owners[i + 1] || y + 1 < Size && _owners[i] != _owners[i + Size];
            if (isBorder) borders[at] = 1;
        }
        for (int i = 0; i < objects.Length; i++) objects[i] = 2 * objects[i] >= factor * factor ? 1 : 0;
    }

    /// <summary>The drawing of that number in the series of a seed; it has at least one object.</summary>
    public static Drawing Draw(ulong seed, ulong index, int size)
    {
        for (int attempt = 0; ; attempt++)
        {
            Drawing drawing = Draw(new RandomNumbers(RandomKey.For(seed, $"drawing {attempt}", index)), size);
            if (drawing.Objects.Count > 0) return drawing;
        }
    }

    static Drawing Draw(RandomNumbers random, int size)
    {
        var canvas = new Canvas(size);
        bool isGrey = random.Uniform() < 0.6f;
        float kind = random.Uniform();
        if (kind < 0.5f) Scene.Draw(canvas, new Region(0, 0, size, size), random, isGrey);
        else DrawTiles(canvas, random, isGrey, isSeries: kind < 0.75f);
        float[] clean = Greys(canvas);
        Finish.Apply(canvas, random, isGrey);
        return new Drawing(canvas, clean);
    }

    static float[] Greys(Canvas canvas)
    {
        float[] greys = new float[canvas.Owners.Length];
        for (int i = 0; i < greys.Length; i++)
            greys[i] = (canvas.Pixels[3 * i] + canvas.Pixels[3 * i + 1] + canvas.Pixels[3 * i + 2]) / 3;
        Finish.Standardize(greys);
        return greys;
    }

    /// <summary>A grid of scenes, with a rim of grey around each in half of the pictures.</summary>
    static void DrawTiles(Canvas canvas, RandomNumbers random, bool isGrey, bool isSeries)
    {
        int[] counts = [.. ((int[])[1, 2, 3, 4, 5, 6, 8]).Where(n => canvas.Size / n >= LeastTile)];
        int count = counts[random.Below(counts.Length)], tile = canvas.Size / count;
        int rim = random.Uniform() < 0.5f ? 0 : random.Between(1, 3);
        int length = random.Between(count, count * count + 1);
        ulong seed = random.Word();
        for (int i = 0; i < count * count; i++)
        {
            int scene = isSeries ? i / length : i;
            var own = new RandomNumbers(RandomKey.For(seed, "tile", (ulong)scene));
            var region = new Region(i % count * tile + rim, i / count * tile + rim, tile - 2 * rim, tile - 2 * rim);
            Scene.Draw(canvas, region, own, isGrey, isSeries ? (i % length + 0.5f) / length : null);
        }
    }
}
