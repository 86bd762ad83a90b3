using System.IO.MemoryMappedFiles;

namespace Cfr.Tensors.Files;

/// <summary>
/// A file as memory: pages come from the disk when they are touched, and nothing is copied. Every access is a span that
/// was checked against the length which the file had when it was opened.
/// </summary>
sealed unsafe class MappedFile : IDisposable
{
    readonly MemoryMappedFile _map;
    readonly MemoryMappedViewAccessor _view;
    byte* _start;

    /// <exception cref="WeightFileException">The file is empty.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public MappedFile(string path)
    {
        Path = path;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
        try
        {
            Length = stream.Length;
            if (Length == 0) throw Invalid("the file is empty");
            _map = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
        try
        {
            _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            _map.Dispose();
            throw;
        }
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    public FileBytes All => new(this, 0, Length);

    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start == null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    public Stream Stream(long offset, long length) =>
        length == 0 ? System.IO.Stream.Null : _map.CreateViewStream(offset, length, MemoryMappedFileAccess.Read);

    public WeightFileException Invalid(string reason, Exception? inner = null) => new(Path, reason, inner);

    public void Dispose()
    {
        if (_start == null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
