using Cfr.Tensors.Files;
using SkiaSharp;

namespace Cfr.Pipeline.Images;

/// <summary>A picture: rows from the top, pixels from the left, three bytes each.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Pixels">Red, green, blue of every pixel: <c>[Height, Width, 3]</c>.</param>
public sealed record RgbImage(int Height, int Width, byte[] Pixels)
{
    /// <summary>A black picture.</summary>
    public RgbImage(int height, int width) : this(height, width, new byte[checked(height * width * 3)]) { }

    /// <summary>Red, green and blue of a pixel.</summary>
    public Span<byte> this[int row, int column] => Pixels.AsSpan((row * Width + column) * 3, 3);

    /// <summary>Whether a file begins as a PNG or JPEG picture does.</summary>
    public static bool IsPicture(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[4];
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        return start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])
            || start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);
    }

    /// <summary>Reads a PNG or JPEG file; transparency is dropped.</summary>
    /// <exception cref="BadDataException">The file is no such picture.</exception>
    public static RgbImage Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        using SKCodec codec = SKCodec.Create(file, out SKCodecResult result)
            ?? throw new BadDataException($"{path}: found no picture; expected PNG or JPEG");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        using var bitmap = new SKBitmap(info);
        if (result == SKCodecResult.Success) result = codec.GetPixels(info, bitmap.GetPixels());
        if (result != SKCodecResult.Success) throw new BadDataException($"{path}: the picture is damaged ({result})");
        var image = new RgbImage(info.Height, info.Width);
        ReadOnlySpan<byte> rgba = bitmap.GetPixelSpan();
        for (int i = 0; i < info.Width * info.Height; i++) rgba.Slice(4 * i, 3).CopyTo(image.Pixels.AsSpan(3 * i));
        return image;
    }

    /// <summary>Writes a PNG file, beside the old one if there is one, and then in its place.</summary>
    public void Write(string path)
    {
        byte[] png = ToPng();
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>The picture as the bytes of a PNG file.</summary>
    public byte[] ToPng()
    {
        var info = new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var bitmap = new SKBitmap(info);
        Span<byte> rgba = bitmap.GetPixelSpan();
        for (int i = 0; i < Width * Height; i++)
        {
            Pixels.AsSpan(3 * i, 3).CopyTo(rgba[(4 * i)..]);
            rgba[4 * i + 3] = byte.MaxValue;
        }
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
