using System.Security.Cryptography;
using System.Text;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>
/// Assembled kernels on disk: a file each, named after a hash of everything they depend on. A file begins with the
/// SHA-256 of the rest; one that does not fit is made anew. A folder that cannot be written costs time, not results.
/// </summary>
sealed class ModuleCache(string folder)
{
    /// <summary>Where the files are.</summary>
    public string Folder { get; } = folder;

    /// <summary>In the folder of <see cref="CacheFolder"/>.</summary>
    public static ModuleCache Open() => new(CacheFolder.Path);

    /// <summary>What is kept under this key, or what <paramref name="make"/> makes, which is then kept.</summary>
    public byte[] Get(string key, Func<byte[]> make)
    {
        string path = Path.Combine(Folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))) + ".cubin");
        if (Read(path) is { } kept) return kept;
        byte[] made = make();
        Write(path, [.. SHA256.HashData(made), .. made]);
        return made;
    }

    /// <summary>Leaves a file for people to look at; returns its path, or where it would have been.</summary>
    public string Leave(string name, string text)
    {
        string path = Path.Combine(Folder, "rejected", name);
        Write(path, Encoding.UTF8.GetBytes(text));
        return path;
    }

    static byte[]? Read(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            if (bytes.Length <= SHA256.HashSizeInBytes) return null;
            byte[] content = bytes[SHA256.HashSizeInBytes..];
            return SHA256.HashData(content).AsSpan().SequenceEqual(bytes.AsSpan(0, SHA256.HashSizeInBytes)) ? content : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static void Write(string path, byte[] bytes)
    {
        string beside = $"{path}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(beside, bytes);
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next process assembles again.
        }
    }
}
