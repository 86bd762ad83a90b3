namespace Cfr.Tensors.Files;

/// <summary>A run of bytes of a mapped file, or inflated from it; may be longer than a span can be.</summary>
readonly struct FileBytes
{
    readonly byte[]? _inflated;
    readonly long _start;

    public FileBytes(MappedFile file, long start, long length) : this(file, null, start, length) { }

    public FileBytes(MappedFile file, byte[] inflated) : this(file, inflated, 0, inflated.Length) { }

    FileBytes(MappedFile file, byte[]? inflated, long start, long length)
    {
        File = file;
        _inflated = inflated;
        _start = start;
        Length = length;
    }

    public MappedFile File { get; }

    public long Length { get; }

    public FileBytes Slice(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new FileBytes(File, _inflated, _start + offset, length);
    }

    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return _inflated is null
            ? File.Span(_start + offset, length)
            : _inflated.AsSpan((int)(_start + offset), length);
    }
}
