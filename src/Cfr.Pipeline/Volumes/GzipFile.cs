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

    /// <param name="path">The file; gzip if it begins as gzip does.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public GzipFile(string path) : this(path, OpenFile(path), null) { }

    /// <summary>What comes from the position of an open file on, which becomes this object's.</summary>
    public GzipFile(string path, FileStream file, bool? compressed)
    {
        _path = path;
        _file = file;
        _compressed = compressed ?? BeginsAsGzip(file);
        Stream = _compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    public static FileStream OpenFile(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);

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
            throw new BadDataException($"{_path}: the end of its gzip data is missing or followed by other bytes");
    }

    /// <summary>Writes the rest of an open file as gzip. Same contents, same bytes: no name, no time.</summary>
    public static void Compress(Stream file, Action<Stream> write)
    {
        using var compressed = new GZipStream(file, CompressionLevel.Optimal, leaveOpen: true);
        write(compressed);
    }

    /// <summary>Runs what reads from such files, and says what damaged gzip data means for the user.</summary>
    /// <exception cref="BadDataException">The data is damaged.</exception>
    public static T Sound<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new BadDataException($"{path}: its gzip data is damaged or cut off ({error.Message})", error);
        }
    }

    static bool BeginsAsGzip(FileStream file)
    {
        long start = file.Position;
        bool isGzip = file.ReadByte() == Magic[0] && file.ReadByte() == Magic[1];
        file.Position = start;
        return isGzip;
    }

    public void Dispose()
    {
        Stream.Dispose();
        _file.Dispose();
    }
}
