using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>An object of a drawing, and how it is pointed at.</summary>
sealed class DrawnObject
{
    /// <summary>Points of which the one deepest inside is taken, for half of the prompts.</summary>
    const int Candidates = 8;

    /// <summary>Sides of boxes are off by up to this share of the object's extent, and by no more than so many pixels.</summary>
    const float Jitter = 0.1f, MostJitter = 10;

    static readonly (int X, int Y)[] Directions = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

    readonly int _size;
    readonly bool[] _mask;
    readonly int[] _pixels;

    public DrawnObject(Drawing drawing, int number)
    {
        (_size, _mask) = (drawing.Size, drawing.Mask(number));
        _pixels = [.. Enumerable.Range(0, _mask.Length).Where(i => _mask[i])];
        Box = (_pixels.Min(X), _pixels.Min(Y), _pixels.Max(X), _pixels.Max(Y));
    }

    /// <summary>[S, S]</summary>
    public bool[] Mask => _mask;

    /// <summary>The outermost pixels that belong to it.</summary>
    public (int Left, int Top, int Right, int Bottom) Box { get; }

    /// <summary>A pixel of it, x and y: any one, or one deep inside.</summary>
    public float[] DrawPoint(RandomNumbers random)
    {
        int chosen = Pixel();
        if (random.Uniform() < 0.5f)
        {
            int depth = Depth(chosen);
            for (int i = 1; i < Candidates; i++)
            {
                int other = Pixel(), deep = Depth(other);
                if (deep > depth) (chosen, depth) = (other, deep);
            }
        }
        return [X(chosen), Y(chosen)];

        int Pixel() => _pixels[random.Below(_pixels.Length)];
    }

    /// <summary>Its box, not quite: x0, y0, x1, y1.</summary>
    public float[] DrawBox(RandomNumbers random)
    {
        var (left, top, right, bottom) = Box;
        float width = right - left + 1, height = bottom - top + 1;
        return [Moved(left, width), Moved(top, height), Moved(right, width), Moved(bottom, height)];

        float Moved(int side, float extent)
        {
            float most = MathF.Min(Jitter * extent, MostJitter);
            return Math.Clamp(side + random.Uniform(-most, most), 0, _size - 1);
        }
    }

    /// <summary>The mask at another resolution: 1 where at least half of the pixels belong to the object.</summary>
    public void Shrink(int side, Span<float> target)
    {
        int factor = _size / side;
        target.Clear();
        foreach (int pixel in _pixels) target[Y(pixel) / factor * side + X(pixel) / factor]++;
        for (int i = 0; i < target.Length; i++) target[i] = 2 * target[i] >= factor * factor ? 1 : 0;
    }

    /// <summary>Steps that can be made from a pixel in any of eight directions without leaving the object.</summary>
    int Depth(int pixel)
    {
        int least = _size;
        foreach (var (stepX, stepY) in Directions)
        {
            int x = X(pixel), y = Y(pixel), steps = 0;
            while (steps < least && x >= 0 && y >= 0 && x < _size && y < _size && _mask[y * _size + x])
                (x, y, steps) = (x + stepX, y + stepY, steps + 1);
            least = Math.Min(least, steps);
        }
        return least;
    }

    int X(int pixel) => pixel % _size;

    int Y(int pixel) => pixel / _size;
}
