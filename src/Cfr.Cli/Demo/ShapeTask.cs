using System.Text;
using Cfr.Tensors;

namespace Cfr.Cli.Demo;

/// <summary>
/// Noisy images with a few discs, squares and triangles of random size, place and brightness, and their label maps.
/// </summary>
sealed class ShapeTask(ulong seed)
{
    public const int Side = 48, Pixels = Side * Side, Classes = 4;
    const int ShapesPerImage = 3, SmallestRadius = 5, LargestRadius = 11;
    const double Noise = 0.35;

    public static readonly string[] Names = ["background", "disc", "square", "triangle"];

    readonly Random _random = new(unchecked((int)(seed ^ seed >> 32)));

    /// <summary>Images [count, Side, Side, 1], zero mean, and labels [count, Side, Side].</summary>
    public (Tensor Images, Tensor Labels) Draw(Session session, int count)
    {
        float[] images = new float[count * Pixels];
        int[] labels = new int[count * Pixels];
        for (int i = 0; i < count; i++) Draw(images.AsSpan(i * Pixels, Pixels), labels.AsSpan(i * Pixels, Pixels));
        return (session.Tensor(images, [count, Side, Side, 1]), session.Labels(labels, [count, Side, Side]));
    }

    /// <summary>Two label maps side by side as text, in letters about twice as high as wide.</summary>
    public static string Draw(ReadOnlySpan<int> left, ReadOnlySpan<int> right)
    {
        const string Letters = ".o#^";
        const int Columns = 36, Rows = Columns / 2;
        var text = new StringBuilder();
        for (int row = 0; row < Rows; row++)
        {
            AddRow(left, row);
            text.Append("   ");
            AddRow(right, row);
            text.AppendLine();
        }
        return text.ToString();

        void AddRow(ReadOnlySpan<int> labels, int row)
        {
            for (int column = 0; column < Columns; column++)
                text.Append(Letters[labels[row * Side / Rows * Side + column * Side / Columns]]);
        }
    }

    /// <summary>Where the pixels of an image of a batch are.</summary>
    public static Range PixelsOf(int image) => (image * Pixels)..((image + 1) * Pixels);

    /// <summary>The first image of a batch that shows the most kinds of shapes.</summary>
    public static int Richest(ReadOnlySpan<int> labels)
    {
        int best = 0, kindsOfBest = 0;
        for (int i = 0; i < labels.Length / Pixels; i++)
        {
            int kinds = 0;
            for (int c = 1; c < Classes; c++)
                if (labels[PixelsOf(i)].Contains(c)) kinds++;
            if (kinds > kindsOfBest) (best, kindsOfBest) = (i, kinds);
        }
        return best;
    }

    void Draw(Span<float> image, Span<int> labels)
    {
        for (int i = 0; i < Pixels; i++) image[i] = (float)(Noise * (2 * _random.NextDouble() - 1));
        for (int shape = 0; shape < ShapesPerImage; shape++)
        {
            int kind = _random.Next(1, Classes), radius = _random.Next(SmallestRadius, LargestRadius + 1);
            int centreX = _random.Next(radius, Side - radius), centreY = _random.Next(radius, Side - radius);
            float brightness = (float)(0.4 + 0.6 * _random.NextDouble());
            for (int y = centreY - radius; y <= centreY + radius; y++)
            {
                for (int x = centreX - radius; x <= centreX + radius; x++)
                {
                    if ((uint)x >= Side || (uint)y >= Side || !Inside(kind, x - centreX, y - centreY, radius)) continue;
                    int pixel = y * Side + x;
                    if (labels[pixel] == 0) image[pixel] += brightness;
                    labels[pixel] = kind;
                }
            }
        }
    }

    static bool Inside(int kind, int x, int y, int radius) => kind switch
    {
        1 => x * x + y * y <= radius * radius,
        2 => Math.Max(Math.Abs(x), Math.Abs(y)) <= 0.8 * radius,
        _ => Math.Abs(x) <= (y + radius) * 0.5,
    };
}
