using System.Buffers.Binary;
using System.IO.Compression;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests.Files;

public class ZipDirectoryTests
{
    const int EndBytes = 22;

    static readonly byte[] Checkpoint = File.ReadAllBytes(Golden.Path("sam/ckpt/zip_fp32.pth"));

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void A_checkpoint_that_was_packed_again_reads_the_same(CompressionLevel level)
    {
        using var folder = new TemporaryFolder();
        var packed = new MemoryStream();
        using (var source = new ZipArchive(new MemoryStream(Checkpoint)))
        using (var target = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
            foreach (ZipArchiveEntry entry in source.Entries)
            {
                using Stream from = entry.Open(), to = target.CreateEntry(entry.FullName, level).Open();
                from.CopyTo(to);
            }
        AssertSameTensors(folder.File("t.pth", packed.ToArray()));
    }

    [Fact]
    public void A_ZIP64_directory_and_sizes_are_read()
    {
        using var folder = new TemporaryFolder();
        AssertSameTensors(folder.File("t.pth", AsZip64(Checkpoint)));
    }

    [Fact]
    public void A_comment_after_the_directory_is_allowed()
    {
        using var folder = new TemporaryFolder();
        byte[] commented = [.. Checkpoint, .. "PK\x5\x6 and more"u8];
        BinaryPrimitives.WriteUInt16LittleEndian(commented.AsSpan(Checkpoint.Length - 2), 13);
        AssertSameTensors(folder.File("t.pth", commented));
    }

    [Theory]
    [InlineData(8, 1, "is encrypted")]
    [InlineData(10, 9, "found method 9, expected 0 (stored) or 8 (deflated)")]
    [InlineData(10, 8, "zip_fp32/data.pkl' ")]
    [InlineData(20, 1, "is stored, yet has")]
    [InlineData(42, 1, "has no header at byte")]
    [InlineData(28, 60000, "ends within an entry")]
    [InlineData(0, 0, "has no entry at byte")]
    public void A_damaged_entry_is_refused(int offset, ushort value, string reason)
    {
        using var folder = new TemporaryFolder();
        byte[] damaged = [.. Checkpoint];
        BinaryPrimitives.WriteUInt16LittleEndian(damaged.AsSpan(DirectoryStart(damaged) + offset), value);
        Assert.Contains(reason, folder.Refusal(damaged));
    }

    [Theory]
    [InlineData(4, 3, "one part of several")]
    [InlineData(8, 60000, null)]
    [InlineData(10, 60000, "60000 entries, which")]
    [InlineData(12, 65000, "expected them before byte")]
    public void A_damaged_end_of_directory_is_refused(int offset, ushort value, string? reason)
    {
        using var folder = new TemporaryFolder();
        byte[] damaged = [.. Checkpoint];
        BinaryPrimitives.WriteUInt16LittleEndian(damaged.AsSpan(damaged.Length - EndBytes + offset), value);
        if (reason is null)
            AssertSameTensors(folder.File("t.pth", damaged));
        else
            Assert.Contains(reason, folder.Refusal(damaged));
    }

    [Fact]
    public void A_missing_ZIP64_directory_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] damaged = File.ReadAllBytes(Golden.Path("sam/ckpt/zip_other_layout.pth"));
        damaged.AsSpan(damaged.Length - EndBytes + 10, 2).Fill(255);
        Assert.Contains("no ZIP64 locator", folder.Refusal(damaged));
    }

    [Fact]
    public void Members_that_share_bytes_are_refused()
    {
        using var folder = new TemporaryFolder();
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
            foreach (string name in new[] { "a.npy", "b.npy" })
                zip.CreateEntry(name, CompressionLevel.NoCompression).Open().Dispose();
        byte[] overlapping = bytes.ToArray();
        int second = overlapping.AsSpan().LastIndexOf("b.npy"u8) - 46;
        BinaryPrimitives.WriteInt32LittleEndian(overlapping.AsSpan(second + 42), 0);
        Assert.Contains("overlaps another one", folder.Refusal(overlapping));
    }

    [Fact]
    public void A_member_that_claims_more_than_deflate_can_hold_is_refused()
    {
        using var folder = new TemporaryFolder();
        NpzFile.Write(folder.File("t"), [TensorToStore.Of("zeros", [100_000], new float[100_000])], deflate: true);
        byte[] bomb = File.ReadAllBytes(folder.File("t"));
        BinaryPrimitives.WriteUInt32LittleEndian(bomb.AsSpan(DirectoryStart(bomb) + 24), 2_000_000_000);
        Assert.Contains("deflated bytes cannot become 2000000000", folder.Refusal(bomb));
        BinaryPrimitives.WriteUInt32LittleEndian(bomb.AsSpan(DirectoryStart(bomb) + 24), 400_129);
        Assert.Contains("zeros.npy' does not inflate to 400129 bytes", folder.Refusal(bomb));
    }

    [Fact]
    public void A_zip_of_something_else_is_refused()
    {
        using var folder = new TemporaryFolder();
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry("readme.txt");
        Assert.Contains("neither data.pkl", folder.Refusal(bytes.ToArray()));
    }

    [Fact]
    public void Another_byte_order_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] file = File.ReadAllBytes(Golden.Path("sam/ckpt/zip_other_layout.pth"));
        int at = file.AsSpan().IndexOf("little"u8);
        "biggie"u8.CopyTo(file.AsSpan(at));
        Assert.Contains("'byteorder': expected 'little'", folder.Refusal(file));
    }

    static int DirectoryStart(byte[] zip) => (int)U32(zip, zip.Length - EndBytes + 16);

    static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    /// <summary>The same zip with every size, offset and count in its ZIP64 form.</summary>
    static byte[] AsZip64(byte[] zip)
    {
        var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        int start = DirectoryStart(zip), entries = U16(zip, zip.Length - EndBytes + 10);
        writer.Write(zip.AsSpan(0, start));
        int position = start;
        for (int i = 0; i < entries; i++)
        {
            Span<byte> entry = zip.AsSpan(position, 46).ToArray();
            int nameBytes = U16(entry, 28), otherBytes = U16(entry, 30) + U16(entry, 32);
            uint packed = U32(entry, 20), size = U32(entry, 24), local = U32(entry, 42);
            entry[20..28].Fill(255);
            entry[42..46].Fill(255);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[30..], 34);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[32..], 0);
            writer.Write(entry);
            writer.Write(zip.AsSpan(position + 46, nameBytes));
            writer.Write((ushort)0x5555);
            writer.Write((ushort)2);
            writer.Write((ushort)0);
            writer.Write((ushort)1);
            writer.Write((ushort)24);
            writer.Write((long)size);
            writer.Write((long)packed);
            writer.Write((long)local);
            position += 46 + nameBytes + otherBytes;
        }
        long end = file.Position;
        writer.Write(0x06064b50);
        writer.Write(44L);
        writer.Write([45, 0, 45, 0]);
        writer.Write(0L);
        writer.Write((long)entries);
        writer.Write((long)entries);
        writer.Write(end - start);
        writer.Write((long)start);
        writer.Write(0x07064b50);
        writer.Write(0);
        writer.Write(end);
        writer.Write(1);
        writer.Write(0x06054b50);
        writer.Write(0);
        writer.Write(-1);
        writer.Write(-1);
        writer.Write(-1);
        writer.Write((short)0);
        return file.ToArray();
    }

    static void AssertSameTensors(string path)
    {
        using var want = WeightFile.Open(Golden.Path("sam/ckpt/zip_fp32.pth"));
        using var got = WeightFile.Open(path);
        Assert.Equal(want.Tensors.Keys, got.Tensors.Keys);
        foreach (StoredTensor tensor in want.Tensors.Values) Assert.Equal(tensor.Bytes, got[tensor.Name].Bytes);
    }
}
