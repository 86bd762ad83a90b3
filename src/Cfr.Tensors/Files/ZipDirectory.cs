using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Cfr.Tensors.Files;

/// <summary>
/// The central directory of a zip file over mapped memory: stored members are read in place, deflated ones inflated.
/// Sizes come from the directory alone (PyTorch leaves those of the local headers empty), and checksums are not
/// compared: PyTorch does not either, and it can be told to write none.
/// </summary>
sealed class ZipDirectory
{
    const uint EndSignature = 0x06054b50, Zip64LocatorSignature = 0x07064b50, Zip64EndSignature = 0x06064b50;
    const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    const int EndBytes = 22, Zip64LocatorBytes = 20, Zip64EndBytes = 56, EntryBytes = 46, LocalBytes = 30;
    const int LongestComment = ushort.MaxValue;
    const ushort Zip64Field = 1;
    const ushort Stored = 0, Deflated = 8, EncryptedFlag = 1;

    /// <summary>No deflate stream is larger inflated than this many times its size.</summary>
    const long LargestDeflateRatio = 1032;

    readonly MappedFile _file;
    readonly Dictionary<string, Member> _members = [];

    ZipDirectory(MappedFile file)
    {
        _file = file;
        var (start, end, entries) = FindDirectory();
        for (long i = 0; i < entries; i++) start = ReadEntry(start, end);
        CheckOverlap();
    }

    public IReadOnlyCollection<string> Names => _members.Keys;

    public static ZipDirectory Read(MappedFile file) => new(file);

    public bool Contains(string name) => _members.ContainsKey(name);

    public FileBytes Open(string name)
    {
        if (!_members.TryGetValue(name, out Member member)) throw _file.Invalid($"the zip has no member '{name}'");
        return member.Method == Stored
            ? _file.All.Slice(member.DataStart, member.Size)
            : new FileBytes(_file, Inflate(name, member));
    }

    (long Start, long End, long Entries) FindDirectory()
    {
        long end = FindEnd();
        ReadOnlySpan<byte> record = _file.Span(end, EndBytes);
        long entries = U16(record, 10), size = U32(record, 12), start = U32(record, 16);
        int disk = U16(record, 4);
        if (entries == ushort.MaxValue || size == uint.MaxValue || start == uint.MaxValue)
            (start, size, entries, disk, end) = ReadZip64End(end);
        if (disk is not (0 or ushort.MaxValue)) throw _file.Invalid("the zip is one part of several");
        if (start < 0 || size < 0 || start > end || size > end - start)
            throw _file.Invalid($"zip directory: found {size} bytes at {start}, expected them before byte {end}");
        if (entries < 0 || entries > size / EntryBytes)
            throw _file.Invalid($"zip directory: found {entries} entries, which {size} bytes cannot hold");
        return (start, start + size, entries);
    }

    long FindEnd()
    {
        long first = Math.Max(0, _file.Length - EndBytes - LongestComment);
        ReadOnlySpan<byte> tail = _file.Span(first, (int)(_file.Length - first));
        for (int i = tail.Length - EndBytes; i >= 0; i--)
            if (U32(tail, i) == EndSignature && i + EndBytes + U16(tail, i + 20) == tail.Length)
                return first + i;
        throw _file.Invalid("the zip has no end of directory: the file is truncated or damaged");
    }

    (long Start, long Size, long Entries, int Disk, long End) ReadZip64End(long end)
    {
        long locator = end - Zip64LocatorBytes;
        if (locator < 0 || U32(_file.Span(locator, Zip64LocatorBytes), 0) != Zip64LocatorSignature)
            throw _file.Invalid("the zip has no ZIP64 locator although its directory asks for one");
        long position = I64(_file.Span(locator, Zip64LocatorBytes), 8);
        if (position < 0 || position > locator - Zip64EndBytes
            || U32(_file.Span(position, Zip64EndBytes), 0) != Zip64EndSignature)
            throw _file.Invalid("the zip has no ZIP64 end of directory where its locator points");
        ReadOnlySpan<byte> record = _file.Span(position, Zip64EndBytes);
        int disk = (int)Math.Min(U32(record, 16), ushort.MaxValue - 1);
        return (I64(record, 48), I64(record, 40), I64(record, 32), disk, position);
    }

    /// <summary>Reads the directory entry at <paramref name="position"/>; returns where the next one starts.</summary>
    long ReadEntry(long position, long end)
    {
        if (end - position < EntryBytes) throw _file.Invalid("the zip directory ends within an entry");
        ReadOnlySpan<byte> entry = _file.Span(position, EntryBytes);
        if (U32(entry, 0) != EntrySignature) throw _file.Invalid($"the zip directory has no entry at byte {position}");
        int nameBytes = U16(entry, 28), extraBytes = U16(entry, 30), commentBytes = U16(entry, 32);
        long next = position + EntryBytes + nameBytes + extraBytes + commentBytes;
        if (next > end) throw _file.Invalid("the zip directory ends within an entry");

        string name = Encoding.UTF8.GetString(_file.Span(position + EntryBytes, nameBytes));
        ReadOnlySpan<byte> extra = _file.Span(position + EntryBytes + nameBytes, extraBytes);
        long packed = U32(entry, 20), size = U32(entry, 24), local = U32(entry, 42);
        ReadZip64Field(name, extra, ref size, ref packed, ref local);
        if ((U16(entry, 8) & EncryptedFlag) != 0) throw _file.Invalid($"zip member '{name}' is encrypted");
        Member member = Locate(name, U16(entry, 10), size, packed, local);
        if (!_members.TryAdd(name, member)) throw _file.Invalid($"zip member '{name}' occurs twice");
        return next;
    }

    /// <summary>Values that do not fit 32 bits stand in an extra field, in this order and only where needed.</summary>
    void ReadZip64Field(string name, ReadOnlySpan<byte> extra, ref long size, ref long packed, ref long local)
    {
        if (size != uint.MaxValue && packed != uint.MaxValue && local != uint.MaxValue) return;
        while (extra.Length >= 4)
        {
            int length = Math.Min(U16(extra, 2), extra.Length - 4);
            ReadOnlySpan<byte> field = extra.Slice(4, length);
            if (U16(extra, 0) == Zip64Field)
            {
                TakeWide(ref field, ref size);
                TakeWide(ref field, ref packed);
                TakeWide(ref field, ref local);
                return;
            }
            extra = extra[(4 + length)..];
        }
        throw _file.Invalid($"zip member '{name}' has no ZIP64 sizes although its entry asks for them");
    }

    static void TakeWide(ref ReadOnlySpan<byte> field, ref long value)
    {
        if (value != uint.MaxValue || field.Length < sizeof(long)) return;
        value = I64(field, 0);
        field = field[sizeof(long)..];
    }

    Member Locate(string name, ushort method, long size, long packed, long local)
    {
        if (local < 0 || local > _file.Length - LocalBytes || U32(_file.Span(local, LocalBytes), 0) != LocalSignature)
            throw _file.Invalid($"zip member '{name}' has no header at byte {local}");
        ReadOnlySpan<byte> header = _file.Span(local, LocalBytes);
        long start = local + LocalBytes + U16(header, 26) + U16(header, 28);
        if (packed < 0 || size < 0 || start > _file.Length || packed > _file.Length - start)
            throw _file.Invalid($"zip member '{name}': found {packed} bytes at {start}, the file has {_file.Length}");
        if (method is not (Stored or Deflated))
            throw _file.Invalid($"zip member '{name}': found method {method}, expected 0 (stored) or 8 (deflated)");
        if (method == Stored && packed != size)
            throw _file.Invalid($"zip member '{name}' is stored, yet has {packed} bytes of {size}");
        if (method == Deflated && (size > Array.MaxLength || size / LargestDeflateRatio > packed))
            throw _file.Invalid($"zip member '{name}': {packed} deflated bytes cannot become {size}");
        return new Member(method, size, packed, local, start);
    }

    /// <summary>Members that share bytes would let a small file claim any amount of data.</summary>
    void CheckOverlap()
    {
        long end = 0;
        foreach (var (name, member) in _members.OrderBy(member => member.Value.HeaderStart))
        {
            if (member.HeaderStart < end) throw _file.Invalid($"zip member '{name}' overlaps another one");
            end = member.DataStart + member.PackedSize;
        }
    }

    byte[] Inflate(string name, Member member)
    {
        var bytes = new byte[member.Size];
        try
        {
            using Stream packed = _file.Stream(member.DataStart, member.PackedSize);
            using var inflater = new DeflateStream(packed, CompressionMode.Decompress);
            int read = inflater.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (read == bytes.Length && inflater.ReadByte() < 0) return bytes;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw _file.Invalid($"zip member '{name}' cannot be inflated: {e.Message}", e);
        }
        throw _file.Invalid($"zip member '{name}' does not inflate to {member.Size} bytes");
    }

    static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    static long I64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes[offset..]);

    readonly record struct Member(ushort Method, long Size, long PackedSize, long HeaderStart, long DataStart);
}
