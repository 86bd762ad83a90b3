namespace Cfr.Pipeline.Images;

/// <summary>Masks shown over a picture, each in a colour of its own, half transparent.</summary>
public static class MaskOverlay
{
    /// <summary>Far apart, also for those who tell red and green badly apart (Okabe and Ito 2008).</summary>
    static readonly byte[][] Colours =
    [
        [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167],
    ];

    /// <summary>The picture with the masks over it; where they overlap, the later one shows.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="masks">[H, W] each; not 0 is the object.</param>
    public static RgbImage Draw(RgbImage image, IReadOnlyList<byte[]> masks)
    {
        var drawn = new RgbImage(image.Height, image.Width, [.. image.Pixels]);
        for (int m = 0; m < masks.Count; m++)
        {
            byte[] colour = Colours[m % Colours.Length];
            for (int i = 0; i < masks[m].Length; i++)
                for (int c = 0; masks[m][i] != 0 && c < 3; c++)
                    drawn.Pixels[3 * i + c] = (byte)((image.Pixels[3 * i + c] + colour[c]) / 2);
        }
        return drawn;
    }

    /// <summary>A mask as a picture: 255 is the object, 0 all else.</summary>
    public static RgbImage BlackAndWhite(int height, int width, byte[] mask)
    {
        var image = new RgbImage(height, width);
        for (int i = 0; i < mask.Length; i++) image.Pixels.AsSpan(3 * i, 3).Fill(mask[i] != 0 ? byte.MaxValue : (byte)0);
        return image;
    }
}
