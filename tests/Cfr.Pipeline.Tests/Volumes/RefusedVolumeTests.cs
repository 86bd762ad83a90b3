using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>Files that cannot be used: one line each, with the file, what is there, and what was expected.</summary>
public class RefusedVolumeTests : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly byte[] _nifti, _gzip;

    public RefusedVolumeTests()
    {
        var grid = new Geometry(new GridSize(9, 8, 7), Affine.Scaling(1, 2, 3));
        var volume = new Volume(grid, [.. Enumerable.Range(0, 504).Select(i => MathF.Sin(i))]);
        VolumeFile.Write(_folder.File("good.nii"), volume);
        VolumeFile.Write(_folder.File("good.nii.gz"), volume);
        (_nifti, _gzip) = (File.ReadAllBytes(_folder.File("good.nii")), File.ReadAllBytes(_folder.File("good.nii.gz")));
    }

    [Fact]
    public void Cut_off_files()
    {
        Refuse(_nifti[..^1], "ends after 2015 of 2016 bytes of voxels (9x8x7, Float32)");
        Refuse(_nifti[..300], "ends after 300 bytes, expected a header of 348");
        Refuse(_gzip[..^100], "of 2016 bytes of voxels");
        Refuse(_gzip[..^3], "the end of its gzip data is missing");
        Refuse(_gzip[..12], "expected");
        Refuse([], "is empty, expected a NIfTI, NRRD or HDF5 file");
        byte[] hdf5 = File.ReadAllBytes(GoldenVolume.Get("hdf5", "chunked.h5").Path);
        Refuse(hdf5[..^1], $"ends after {hdf5.Length - 1} bytes, expected {hdf5.Length}");
    }

    [Fact]
    public void Damaged_gzip()
    {
        byte[] damaged = [.. _gzip];
        damaged[damaged.Length - 6] ^= 1;
        Refuse(damaged, "its gzip data is damaged");
        damaged = [.. _gzip];
        damaged[damaged.Length / 2] ^= 8;
        Refuse(damaged, "its gzip data is damaged");
    }

    [Fact]
    public void Bytes_after_the_end()
    {
        Refuse([.. _nifti, 0], "goes on after the 2368 bytes");
        Refuse([.. _gzip, .. "garbage"u8], "its gzip data is missing or followed by other bytes");
        using var longer = new MemoryStream();
        using (var gzip = new GZipStream(longer, CompressionMode.Compress, leaveOpen: true))
            gzip.Write([.. _nifti, 1, 2]);
        Refuse(longer.ToArray(), "goes on after the 2368 bytes");
    }

    [Fact]
    public void Wrong_beginnings()
    {
        Refuse("hello, world"u8, "begins with 68656C6C6F2C2077, expected a NIfTI, NRRD or HDF5 file");
        Refuse(Edited(344, (byte)'x'), "magic 'x+1', expected n+1 or ni1 of NIfTI");
        Refuse("NRRD0009\n\n"u8, "magic 'NRRD0009', expected NRRD0001 to NRRD0005");
        Refuse([0x89, (byte)'H', (byte)'D', (byte)'F', 13, 10, 26, 10, .. new byte[100]], "HDF5");
    }

    [Fact]
    public void Impossible_headers()
    {
        Refuse(Edited16(40, 0), "0 dimensions, expected 3");
        Refuse(Edited16(40, 8), "8 dimensions, expected 3");
        Refuse(Edited16(42, -4), "dimensions -4x8x7, expected sizes from 1");
        Refuse(Edited16(44, 0), "dimensions 9x0x7, expected sizes from 1");
        Refuse(Edited16(42, 32000, 32000, 32000), "dimensions 32000x32000x32000, expected fewer than");
        Refuse(Edited16(42, 32000, 9000), "ends after 2016 of 8064000000 bytes of voxels");
        Refuse(Edited16(70, 128), "datatype 128 (RGB colours), expected integers or floats of 8 to 64 bits");
        Refuse(Edited16(70, 32), "datatype 32 (complex numbers)");
        Refuse(Edited16(70, 77), "datatype 77 (unknown)");
        Refuse(Edited(108, 0, 0, 0, 0), "vox_offset 0, expected a whole number from 352");
        Refuse(Edited(108, 0, 0, 0xc0, 0x7f), "vox_offset NaN");
    }

    [Fact]
    public void A_header_that_promises_much_costs_little_memory()
    {
        using var small = new MemoryStream();
        using (var gzip = new GZipStream(small, CompressionMode.Compress, leaveOpen: true))
            gzip.Write(Edited16(42, 32000, 9000));
        long before = Environment.WorkingSet, allocated = GC.GetAllocatedBytesForCurrentThread();
        Refuse(small.ToArray(), "ends after 2016 of 8064000000 bytes of voxels");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 1 << 20);
        Assert.True(Environment.WorkingSet - before < 1L << 28);
    }

    [Fact]
    public void Several_volumes()
    {
        string path = GoldenVolume.Get("nifti", "two_volumes.nii.gz").Path;
        Assert.Equal($"{path}: holds 2 volumes of 4x3x5 in a fourth dimension, expected one",
            Assert.Throws<BadDataException>(() => VolumeFile.Read(path)).Message);
        Assert.Throws<ArgumentException>(() => VolumeFile.Read(path, 2));
        Assert.Equal(1, VolumeFile.ReadHeader(GoldenVolume.Get("nifti", "one_volume.nii.gz").Path).Volumes);
    }

    [Theory]
    [InlineData(256f, "label 256 at voxel (1, 1, 2)"), InlineData(-1f, "label -1 at"), InlineData(1.5f, "label 1.5 at")]
    [InlineData(float.NaN, "label NaN at")]
    public void Labels_that_are_no_classes(float value, string message)
    {
        var volume = new Volume(Geometry.Unit(new GridSize(2, 2, 3)), new float[12]);
        volume.Voxels[11] = value;
        VolumeFile.Write(_folder.File("labels.nii"), volume);
        string path = _folder.File("labels.nii");
        string refusal = Assert.Throws<BadDataException>(() => VolumeFile.ReadLabels(path)).Message;
        Assert.Contains(message, refusal);
        Assert.EndsWith(", expected whole numbers from 0 to 255", refusal);
    }

    [Fact]
    public void Hdf5_of_another_layout()
    {
        VolumeFile.Write(_folder.File("a.h5"), new Volume(Geometry.Unit(new GridSize(2, 2, 3)), new float[12]));
        Assert.Contains("has no data set 'label'",
            Assert.Throws<BadDataException>(() => VolumeFile.ReadLabels(_folder.File("a.h5"))).Message);
        Refuse(File.ReadAllBytes(Golden.Path("volumes/big_endian.h5")), "Byte order");
    }

    [Theory]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2\n", "sizes '2 2', expected 3 numbers")]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2 x\n", "sizes 'x', expected whole numbers from 1")]
    [InlineData("type: short\ndimension: 3\nsizes: 90000 90000 2\n", "expected fewer than")]
    [InlineData("type: block\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n", "type 'block', expected integers")]
    [InlineData("dimension: 3\nsizes: 2 2 2\n", "no field 'type'")]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2 2\nencoding: bzip2\nendian: little\n",
        "encoding 'bzip2', expected raw or gzip")]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n", "no field 'endian'")]
    [InlineData("type: short\ndimension: 4\nsizes: 3 2 2 2\nencoding: raw\nendian: little\nspace: LPS\n"
        + "space directions: none (1,0,0) (0,1,0) (0,0,1)\n", "expected one value per voxel (axis 0 is not of space)")]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2 2\nencoding: raw\nendian: little\nspace: LPS\n"
        + "space directions: (1,0,0) (0,1,0) (0,1,0)\n", "expected three independent directions")]
    [InlineData("type: short\ndimension: 3\nsizes: 2 2 2\nencoding: raw\nendian: little\ndata file: nothing.raw\n",
        "nothing.raw is missing")]
    [InlineData("type: short\ntype: short\n", "the field 'type' is there twice")]
    [InlineData("nonsense\n", "header line 'nonsense', expected 'field: value'")]
    public void Impossible_nrrd_headers(string header, string message) =>
        Refuse(Encoding.ASCII.GetBytes($"NRRD0004\n{header}\n"), message);

    byte[] Edited(int at, params ReadOnlySpan<byte> bytes)
    {
        byte[] edited = [.. _nifti];
        bytes.CopyTo(edited.AsSpan(at));
        return edited;
    }

    byte[] Edited16(int at, params ReadOnlySpan<short> values)
    {
        byte[] edited = [.. _nifti];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(edited.AsSpan(at + 2 * i), values[i]);
        return edited;
    }

    void Refuse(ReadOnlySpan<byte> content, string message)
    {
        string path = _folder.File("refused", content);
        string refusal = Assert.Throws<BadDataException>(() => VolumeFile.Read(path)).Message;
        Assert.StartsWith(path + ": ", refusal);
        Assert.DoesNotContain('\n', refusal);
        Assert.Contains(message, refusal);
    }

    public void Dispose() => _folder.Dispose();
}
