using System.Runtime.InteropServices;
using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

/// <summary>Tensors of every type with the extreme values of the type, of ranks 0 to 3, one of them empty.</summary>
static class SampleTensors
{
    public static IEnumerable<TensorToStore> OfEveryType(bool bfloat16)
    {
        yield return TensorToStore.Of("bool", [3], new[] { true, false, true });
        yield return TensorToStore.Of("u8", [2], new byte[] { 0, 255 });
        yield return TensorToStore.Of("i8", [3], new sbyte[] { -128, 0, 127 });
        yield return TensorToStore.Of("u16", [2], new ushort[] { 0, 65535 });
        yield return TensorToStore.Of("i16", [1, 2], new short[] { -32768, 32767 });
        yield return TensorToStore.Of("u32", [2, 1], new[] { 0u, uint.MaxValue });
        yield return TensorToStore.Of("i32", [2], new[] { int.MinValue, int.MaxValue });
        yield return TensorToStore.Of("u64", [2], new[] { 0ul, ulong.MaxValue });
        yield return TensorToStore.Of("i64", [], new[] { long.MinValue });
        yield return TensorToStore.Of("f16", [3], new[] { Half.Epsilon, Half.NaN, Half.NegativeInfinity });
        yield return TensorToStore.Of("f32", [2, 1, 2], new[] { -0f, float.Epsilon, float.MaxValue, float.NaN });
        yield return TensorToStore.Of("f64", [3], new[] { double.Epsilon, double.MaxValue, double.NegativeInfinity });
        yield return TensorToStore.Of("empty", [0, 4], Array.Empty<float>());
        if (bfloat16)
            yield return new TensorToStore("bf16", DType.BFloat16, [2], stream => stream.Write([128, 63, 1, 0]));
    }

    public static void AssertSame(IReadOnlyList<TensorToStore> want, WeightFile got)
    {
        Assert.Equal(want.Select(tensor => tensor.Name).Order(), got.Tensors.Keys.Order());
        foreach (TensorToStore tensor in want) AssertSame(tensor, got[tensor.Name]);
    }

    public static void AssertSame(TensorToStore want, StoredTensor got)
    {
        using var bytes = new MemoryStream();
        want.WriteTo(bytes);
        Assert.Equal(want.Type, got.Type);
        Assert.Equal(want.Shape.AsSpan(), got.Shape);
        Assert.Equal(bytes.ToArray(), got.Bytes.ToArray());
    }
}
