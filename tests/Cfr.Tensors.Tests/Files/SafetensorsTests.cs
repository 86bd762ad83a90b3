using System.Buffers.Binary;
using System.Text;
using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

public class SafetensorsTests
{
    [Fact]
    public void Every_type_survives_a_round_trip()
    {
        using var folder = new TemporaryFolder();
        TensorToStore[] tensors = [.. SampleTensors.OfEveryType(bfloat16: true)];
        var metadata = new Dictionary<string, string> { ["kind"] = "ümlaut\n\"quoted\"" };
        SafetensorsFile.Write(folder.File("t"), tensors, metadata);
        using var file = WeightFile.Open(folder.File("t"));
        SampleTensors.AssertSame(tensors, file);
        Assert.Equal(tensors.Select(tensor => tensor.Name), file.Tensors.Keys);
        Assert.Equal("ümlaut\n\"quoted\"", file.Metadata["kind"]);
    }

    [Fact]
    public void Elements_are_aligned_in_the_file()
    {
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder.File("t"),
        [
            TensorToStore.Of("flag", [1], new[] { true }),
            TensorToStore.Of("half", [1], new[] { (Half)1 }),
            TensorToStore.Of("wide", [1], new[] { 2.0 }),
        ]);
        byte[] bytes = System.IO.File.ReadAllBytes(folder.File("t"));
        long header = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, header % 8);
        Assert.Equal(2.0, BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(8 + (int)header)));
    }

    [Fact]
    public void A_tensor_is_asked_for_its_elements_when_its_turn_comes()
    {
        using var folder = new TemporaryFolder();
        var order = new List<string>();
        TensorToStore Tensor(string name) => new(name, DType.Int32, [1], stream =>
        {
            order.Add(name);
            stream.Write([1, 2, 3, 4]);
        });
        TensorToStore[] tensors = [Tensor("a"), Tensor("b")];
        Assert.Empty(order);
        SafetensorsFile.Write(folder.File("t"), tensors);
        Assert.Equal(["a", "b"], order);
    }

    [Fact]
    public void No_tensors_make_an_empty_file_that_reads_back()
    {
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder.File("t"), []);
        using var file = WeightFile.Open(folder.File("t"));
        Assert.Empty(file.Tensors);
    }

    [Fact]
    public void A_checkpoint_converts_without_loss()
    {
        using var folder = new TemporaryFolder();
        using var source = WeightFile.Open(TestKit.Golden.Path("sam/ckpt/zip_views.pth"));
        SafetensorsFile.Write(folder.File("t"), [.. source.Tensors.Values.Select(TensorToStore.Of)]);
        using var copy = WeightFile.Open(folder.File("t"));
        foreach (StoredTensor tensor in source.Tensors.Values) Assert.Equal(tensor.Bytes, copy[tensor.Name].Bytes);
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a", "__metadata__")]
    public void A_name_is_written_once(string first, string second)
    {
        using var folder = new TemporaryFolder();
        TensorToStore Tensor(string name) => TensorToStore.Of(name, [1], new[] { 1f });
        TensorToStore[] tensors = [Tensor(first), Tensor(second)];
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(folder.File("t"), tensors));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{}}""", "'a': the name occurs twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""", "found key 'shape'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}""", "found key 'more'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1]}}""", "expected dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", "shape: expected")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", "shape: expected")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}""", "data_offsets [1, 0]")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}""", "data_offsets: expected at most 2")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,1]}}""", "is not possible")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,1]}}""", "is not possible")]
    [InlineData("""{"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}}""", "dtype: found Number, expected a string")]
    [InlineData("""{"a":[]}""", "expected an object with dtype")]
    [InlineData("""{"a":{"dtype":"U8","shape":[[[[[[1]]]]]],"data_offsets":[0,1]}}""", "shape: expected")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"more":[[[[[[1]]]]]],"data_offsets":[0,1]}}""", "found key 'more'")]
    [InlineData("""{"__metadata__":{"x":{"y":{"z":[[1]]}}}}""", "x: found StartObject, expected a string")]
    [InlineData("""{"__metadata__":{"x":1}}""", "x: found Number, expected a string")]
    [InlineData("""{"__metadata__":{"x":"1","x":"2"}}""", "x: occurs twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}} {}""", "not valid JSON")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}""", "found dtype 'F8_E5M2'")]
    [InlineData("""{}""", "bytes are left over")]
    public void A_malformed_header_is_refused(string header, string reason)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(reason, folder.Refusal(File(header, dataBytes: 1)));
    }

    [Fact]
    public void A_name_that_is_not_UTF8_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] file = File("""{"?":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", dataBytes: 1);
        file[10] = 0xff;
        Assert.Contains("not valid JSON", folder.Refusal(file));
    }

    [Fact]
    public void Spaces_after_the_header_are_allowed()
    {
        using var folder = new TemporaryFolder();
        byte[] content = File("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   """, dataBytes: 1);
        using var file = WeightFile.Open(folder.File("t", content));
        Assert.Equal(1, file["a"].Count);
    }

    /// <summary>A file with this header and so many zeros.</summary>
    internal static byte[] File(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }
}
