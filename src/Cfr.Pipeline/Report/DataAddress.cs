namespace Cfr.Pipeline.Report;

/// <summary>Pictures written into the page itself.</summary>
static class DataAddress
{
    static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G'];

    /// <summary>Of the bytes of a PNG file.</summary>
    public static string Png(byte[] png) => $"data:image/png;base64,{Convert.ToBase64String(png)}";

    /// <summary>Of a PNG file.</summary>
    /// <exception cref="BadDataException">It is none.</exception>
    public static string Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return bytes.AsSpan().StartsWith(Signature) ? Png(bytes) : throw new BadDataException($"{path}: is no PNG file");
    }
}
