using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

public class NumpyFileTests
{
    [Fact]
    public void Every_type_survives_npy()
    {
        using var folder = new TemporaryFolder();
        foreach (TensorToStore tensor in SampleTensors.OfEveryType(bfloat16: false))
        {
            NpyFile.Write(folder.File("one.npy"), tensor);
            using var file = WeightFile.Open(folder.File("one.npy"));
            SampleTensors.AssertSame(tensor, file["one"]);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Every_type_survives_npz(bool deflate)
    {
        using var folder = new TemporaryFolder();
        TensorToStore[] tensors = [.. SampleTensors.OfEveryType(bfloat16: false)];
        NpzFile.Write(folder.File("t.npz"), tensors, deflate);
        using var file = WeightFile.Open(folder.File("t.npz"));
        SampleTensors.AssertSame(tensors, file);
    }

    [Fact]
    public void BFloat16_is_refused_when_written()
    {
        using var folder = new TemporaryFolder();
        var tensor = new TensorToStore("t", DType.BFloat16, [1], stream => stream.Write([0, 0]));
        Assert.Throws<ArgumentException>(() => NpyFile.Write(folder.File("t"), tensor));
        Assert.Throws<ArgumentException>(() => NpzFile.Write(folder.File("t"), [tensor]));
        Assert.Empty(folder.FileNames);
    }

    [Fact]
    public void The_header_ends_at_a_multiple_of_64_bytes_with_a_line_break()
    {
        byte[] header = NpyFile.Header(TensorToStore.Of("t", [2], new[] { 1f, 2f }));
        Assert.Equal(128, header.Length);
        string literal = Encoding.ASCII.GetString(header.AsSpan(10)).Trim();
        Assert.Equal("{'descr': '<f4', 'fortran_order': False, 'shape': (2, ), }", literal);
        Assert.Equal((byte)'\n', header[^1]);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void All_versions_are_read(int version) =>
        Assert.Equal([1, 2, 3], Read(Npy(version, Header("|u1", "(3,)"), [1, 2, 3])));

    [Fact]
    public void Column_major_elements_are_put_in_order() => Assert.Equal([1, 2, 3, 4, 5, 6],
        Read(Npy(1, Header("|i1", "(2, 3)", columnMajor: true), [1, 4, 2, 5, 3, 6])));

    [Fact]
    public void Big_endian_elements_are_swapped()
    {
        Assert.Equal([258, -2], Read(Npy(1, Header(">i2", "(2,)"), [1, 2, 255, 254])));
        Assert.Equal([1.5f], Read(Npy(1, Header(">f8", "()"), [0x3f, 0xf8, 0, 0, 0, 0, 0, 0])));
        Assert.Equal([1, 2, 3, 4], Read(Npy(1, Header(">u4", "(2, 2)", columnMajor: true),
            [0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4])));
    }

    [Theory]
    [InlineData("{\"shape\": (3L,), 'fortran_order': False, 'descr': '|u1'}")]
    [InlineData("{ 'descr':'<u1' , 'fortran_order':False,'shape':( 3 ) }")]
    public void Other_spellings_of_the_header_are_read(string header) =>
        Assert.Equal([1, 2, 3], Read(Npy(1, header, [1, 2, 3])));

    [Theory]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "type '|O', expected numbers or bool")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "found element type '<c8'")]
    [InlineData("{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", "found element type '|f4'")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "expected descr, fortran_order")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "found 1 data bytes, expected 2")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "is not possible")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", "expected descr")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", "expected descr")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, }", "expected descr")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), } + 1", "expected descr")]
    [InlineData("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "expected descr")]
    [InlineData("{'descr': '|u1", "expected descr")]
    public void A_malformed_header_is_refused(string header, string reason)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(reason, folder.Refusal(Npy(1, header, [0])));
    }

    [Fact]
    public void A_header_longer_than_the_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] file = Npy(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", [1, 2, 3]);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), uint.MaxValue);
        Assert.Contains("found a .npy header of 4294967295 bytes", folder.Refusal(file));
    }

    static float[] Read(byte[] content)
    {
        using var folder = new TemporaryFolder();
        using var file = WeightFile.Open(folder.File("t.npy", content));
        var values = new float[file["t"].Count];
        file["t"].CopyTo(values.AsSpan());
        return values;
    }

    static string Header(string elementType, string shape, bool columnMajor = false) =>
        $"{{'descr': '{elementType}', 'fortran_order': {columnMajor}, 'shape': {shape}, }}";

    static byte[] Npy(int version, string header, byte[] data)
    {
        byte[] literal = Encoding.UTF8.GetBytes(header + "\n");
        var length = new byte[version == 1 ? 2 : 4];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)literal.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)literal.Length);
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. literal, .. data];
    }
}
