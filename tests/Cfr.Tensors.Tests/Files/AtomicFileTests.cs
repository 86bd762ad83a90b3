using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

public class AtomicFileTests
{
    [Fact]
    public void A_failing_writer_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("weights.safetensors");
        SafetensorsFile.Write(path, [TensorToStore.Of("a", [2], new[] { 1f, 2f })]);
        byte[] before = File.ReadAllBytes(path);
        TensorToStore failing = new("b", Kernels.DType.Float32, [1], _ => throw new IOException("the source is gone"));
        TensorToStore incomplete = new("b", Kernels.DType.Float32, [1], stream => stream.Write([1, 2, 3]));
        TensorToStore large = TensorToStore.Of("c", [100_000], new double[100_000]);

        Assert.Throws<IOException>(() => SafetensorsFile.Write(path, [large, failing]));
        Assert.Throws<InvalidOperationException>(() => SafetensorsFile.Write(path, [large, incomplete]));
        Assert.Throws<IOException>(() => NpyFile.Write(path, failing));
        Assert.Throws<IOException>(() => NpzFile.Write(path, [large, failing]));

        Assert.Equal(["weights.safetensors"], folder.FileNames);
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_file_that_is_being_read_can_be_replaced()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("t");
        SafetensorsFile.Write(path, [TensorToStore.Of("a", [1], new[] { 1 })]);
        using var old = WeightFile.Open(path);
        SafetensorsFile.Write(path, [TensorToStore.Of("a", [1], new[] { 2 })]);
        using var replaced = WeightFile.Open(path);
        Assert.Equal(new byte[] { 1, 0, 0, 0 }, old["a"].Bytes);
        Assert.Equal(new byte[] { 2, 0, 0, 0 }, replaced["a"].Bytes);
        Assert.Equal(["t"], folder.FileNames);
    }
}
