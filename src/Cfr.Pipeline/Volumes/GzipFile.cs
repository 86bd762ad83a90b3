using System.Buffers.Binary;
using System.IO.Compression;

namespace Cfr.Pipeline.Volumes;

/// <summary>A file read from front to back, inflated on the way if it is gzip.</summary>
sealed class GzipFile : IDisposable
{
    readonly string _path;
    readonly FileStream _file;
    readonly bool _compressed;

    public static ReadOnlySpan<byte> Magic => [0x1f, 0x8b];

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public GzipFile(string path)
    {
        _path = path;
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);
        try
        {
            _compressed = _file.ReadByte() == Magic[0] && _file.ReadByte() == Magic[1];
            _file.Position = 0;
            Stream = _compressed ? new GZipStream(_file, CompressionMode.Decompress) : _file;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>What comes next.</summary>
    public Stream Stream { get; }

    /// <summary>Passes over bytes; a file that ends before is found out by whoever reads on.</summary>
    public void Skip(long count)
    {
        if (!_compressed)
        {
            _file.Seek(count, SeekOrigin.Current);
            return;
        }
        var dropped = new byte[1 << 16];
        while (count > 0)
        {
            int got = Stream.Read(dropped, 0, (int)Math.Min(count, dropped.Length));
            if (got == 0) return;
            count -= got;
        }
    }

    /// <summary>Makes sure that nothing follows, and has gzip check its sum.</summary>
    /// <param name="total">Bytes read and skipped so far.</param>
    /// <exception cref="BadDataException">More follows.</exception>
    public void ExpectEnd(long total)
    {
        if (Stream.ReadByte() >= 0)
            throw new BadDataException($"{_path}: goes on after the {total} bytes that its header tells of");
        if (!_compressed) return;
        // The last four bytes are the length of what was inflated last; other bytes are hardly ever that small.
        Span<byte> last = stackalloc byte[4];
        _file.Seek(-4, SeekOrigin.End);
        _file.ReadExactly(last);
        if (BinaryPrimitives.ReadUInt32LittleEndian(last) > total)
            throw new BadDataException($"{_path}: other bytes follow the end of its gzip data, expected none");
    }

    /// <summary>Writes a file whole or not at all, as gzip if its name ends so. Same contents, same bytes.</summary>
    public static void Write(string path, Action<Stream> write) => Tensors.Files.AtomicFile.Write(path, file =>
    {
        if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            write(file);
            return;
        }
        using var compressed = new GZipStream(file, CompressionLevel.Optimal, leaveOpen: true);
        write(compressed);
    });

    public void Dispose()
    {
        Stream.Dispose();
        _file.Dispose();
    }
}
