using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

public class StoredTensorTests
{
    [Fact]
    public void Every_binary16_widens_exactly()
    {
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
        float[] values = Convert<float>(new TensorToStore("t", DType.Float16, [65536], Writer(bits)));
        for (int i = 0; i < 65536; i++)
        {
            int exponent = i >> 10 & 31, fraction = i & 1023;
            float magnitude = exponent == 31
                ? fraction == 0 ? float.PositiveInfinity : float.NaN
                : MathF.ScaleB(exponent == 0 ? fraction : fraction + 1024, Math.Max(exponent, 1) - 25);
            float want = i >> 15 == 0 ? magnitude : -magnitude;
            bool same = float.IsNaN(want) ? float.IsNaN(values[i]) : BitConverter.SingleToUInt32Bits(values[i])
                == BitConverter.SingleToUInt32Bits(want);
            Assert.True(same, $"binary16 0x{i:x4}: got {values[i]:r}, want {want:r}");
        }
    }

    [Fact]
    public void Every_bfloat16_is_the_upper_half_of_a_binary32()
    {
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
        float[] values = Convert<float>(new TensorToStore("t", DType.BFloat16, [65536], Writer(bits)));
        for (int i = 0; i < 65536; i++)
            Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(values[i]));
    }

    [Fact]
    public void Every_type_converts_to_floating_point()
    {
        Assert.Equal([1, 0, 1], Convert<float>(TensorToStore.Of("t", [3], new[] { true, false, true })));
        Assert.Equal([ulong.MaxValue], Convert<float>(TensorToStore.Of("t", [1], new[] { ulong.MaxValue })));
        Assert.Equal([long.MinValue], Convert<double>(TensorToStore.Of("t", [1], new[] { long.MinValue })));
        Assert.Equal([float.PositiveInfinity, 0.1f], Convert<float>(TensorToStore.Of("t", [2], new[] { 1e300, 0.1 })));
        Assert.Equal([-128], Convert<float>(TensorToStore.Of("t", [1], new sbyte[] { -128 })));
        Assert.Equal([0.5], Convert<double>(TensorToStore.Of("t", [1], new[] { (Half)0.5f })));
        Assert.Empty(Convert<float>(TensorToStore.Of("t", [3, 0], Array.Empty<int>())));
        Assert.Equal([7], Convert<float>(TensorToStore.Of("t", [], new[] { 7u })));
    }

    [Fact]
    public void Integers_convert_to_integers_that_hold_them()
    {
        Assert.Equal([1, 0], Convert<int>(TensorToStore.Of("t", [2], new[] { true, false })));
        Assert.Equal([int.MinValue, 5], Convert<int>(TensorToStore.Of("t", [2], new[] { (long)int.MinValue, 5 })));
        Assert.Equal([uint.MaxValue], Convert<long>(TensorToStore.Of("t", [1], new[] { uint.MaxValue })));
        Assert.Equal([255], Convert<byte>(TensorToStore.Of("t", [1], new[] { 255L })));
    }

    [Fact]
    public void An_integer_that_does_not_fit_is_named()
    {
        var refusal = Assert.Throws<WeightFileException>(
            () => Convert<int>(TensorToStore.Of("labels", [3], new[] { 1, 2L, 1L << 31 })));
        Assert.Contains("tensor 'labels': element 2 does not fit Int32", refusal.Message);
        Assert.Throws<WeightFileException>(() => Convert<long>(TensorToStore.Of("t", [1], new[] { ulong.MaxValue })));
        Assert.Throws<WeightFileException>(() => Convert<byte>(TensorToStore.Of("t", [1], new sbyte[] { -1 })));
    }

    [Fact]
    public void Floating_point_is_not_read_as_integers()
    {
        var refusal = Assert.Throws<WeightFileException>(() => Convert<int>(TensorToStore.Of("t", [1], new[] { 1f })));
        Assert.Contains("tensor 't': found type Float32, expected an integer type", refusal.Message);
    }

    [Fact]
    public void The_destination_must_have_the_right_length()
    {
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder.File("t"), [TensorToStore.Of("t", [2], new[] { 1f, 2f })]);
        using var file = WeightFile.Open(folder.File("t"));
        Assert.Throws<ArgumentException>(() => file["t"].CopyTo(new float[3].AsSpan()));
    }

    [Theory]
    [InlineData(new long[] { 200, 300 }, new long[] { 1, 200 }, 0)]
    [InlineData(new long[] { 3, 100, 150 }, new long[] { 0, 300, 2 }, 7)]
    [InlineData(new long[] { 2, 3, 4, 5 }, new long[] { 1, 2, 6, 24 }, 1)]
    [InlineData(new long[] { 20000 }, new long[] { 3 }, 5)]
    [InlineData(new long[] { 1, 1, 7 }, new long[] { 99, 99, 1 }, 3)]
    [InlineData(new long[] { }, new long[] { }, 9)]
    public void A_view_is_gathered_by_the_index_formula(long[] shape, long[] strides, long offset)
    {
        int[] storage = [.. Enumerable.Range(0, 60_006)];
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder.File("t"), [TensorToStore.Of("t", [storage.Length], storage)]);
        using var file = new MappedFile(folder.File("t"));
        FileBytes bytes = file.All.Slice(file.Length - storage.Length * 4, storage.Length * 4);
        Assert.True(StridedView.Fits(shape, strides, offset, storage.Length));
        Assert.True(TensorShape.TryCount(shape, 4, out long count));
        StoredTensor view = StoredTensor.Strided("v", DType.Int32, shape, count, bytes, strides, offset);

        var want = new int[count];
        for (long i = 0; i < count; i++)
        {
            long rest = i, position = offset;
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                position += rest % shape[d] * strides[d];
                rest /= shape[d];
            }
            want[i] = storage[position];
        }
        var got = new int[count];
        view.CopyTo(got.AsSpan());
        Assert.Equal(want, got);
    }

    [Theory]
    [InlineData(new long[] { 5 }, new long[] { 2 }, 2, false)]
    [InlineData(new long[] { 5 }, new long[] { 2 }, 1, true)]
    [InlineData(new long[] { 5 }, new long[] { -1 }, 9, false)]
    [InlineData(new long[] { 1 }, new long[] { 1 }, 10, false)]
    [InlineData(new long[] { 0 }, new long[] { 1 }, 10, true)]
    [InlineData(new long[] { long.MaxValue, long.MaxValue }, new long[] { long.MaxValue, long.MaxValue }, 0, false)]
    [InlineData(new long[] { long.MaxValue }, new long[] { 0 }, 0, true)]
    public void A_view_fits_if_its_last_element_does(long[] shape, long[] strides, long offset, bool fits) =>
        Assert.Equal(fits, StridedView.Fits(shape, strides, offset, storageCount: 10));

    static T[] Convert<T>(TensorToStore tensor) where T : unmanaged, System.Numerics.INumber<T>
    {
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder.File("t"), [tensor]);
        using var file = WeightFile.Open(folder.File("t"));
        var values = new T[file[tensor.Name].Count];
        file[tensor.Name].CopyTo(values.AsSpan());
        return values;
    }

    static Action<Stream> Writer(ushort[] bits) =>
        stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits.AsSpan()));
}
