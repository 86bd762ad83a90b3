using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>What reads and writes 256 MiB and does little else; and the smallest kernel there is.</summary>
static class MemoryBoundWorks
{
    const long Large = 1L << 26;

    public static IEnumerable<GpuWork> All =>
    [
        Of("copy 256 MiB", 2, (device, a, _, y) => device.ElementWise.Affine(a, 1, 0, y)),
        Of("add 256 MiB", 3, (device, a, b, y) => device.ElementWise.Binary(BinaryOp.Add, Broadcast.None(Large), a, b, y)),
        Of("gelu 256 MiB", 2, (device, a, _, y) => device.ElementWise.Unary(UnaryOp.Gelu, a, y)),
        Of("gelu backward 256 MiB", 3, (device, a, b, y) => device.ElementWise.UnaryBackward(UnaryOp.Gelu, a, b, y)),
        Of("sum 256 MiB", 1, (device, a, _, y) => device.Reduction.Sum(1, Large, 1, a, y.Slice(0, 1))),
        Of("row sums 65536x1024", 1, (device, a, _, y) => device.Reduction.Sum(1 << 16, 1 << 10, 1, a, y.Slice(0, 1 << 16))),
        Of("column sums 65536x1024", 1, (device, a, _, y) => device.Reduction.Sum(1, 1 << 16, 1 << 10, a, y.Slice(0, 1 << 10))),
        Of("transpose 8192x8192", 2, (device, a, _, y) => device.Layout.Copy(Transposition, a, y)),
        Of("softmax 65536x1024", 2, (device, a, _, y) => device.Softmax.Forward(1 << 16, 1 << 10, a, y)),
        Of("softmax backward 65536x1024", 3, (device, a, b, y) => device.Softmax.Backward(1 << 16, 1 << 10, a, b, y)),
        Of("dropout 256 MiB", 2, (device, a, _, y) => device.Random.Dropout(new RandomKey(1, 2), 0.1f, 1, 1, Large, a, y)),
        Of("normal 256 MiB", 1, (device, _, _, y) => device.Random.Normal(new RandomKey(1, 2), y, 0, 1)),
        new(GpuWork.Launch, Precision.Float32, 0, 0, x =>
        {
            View tiny = x.Random(DType.Float32, 256);
            return () => x.Device.ElementWise.Unary(UnaryOp.Relu, tiny, tiny);
        }),
    ];

    static readonly StridedCopy Transposition = StridedCopy.Along([8192, 8192], [1, 8192], [8192, 1]);

    static GpuWork Of(string name, int passes, Action<Device, View, View, View> launch) => new(
        name, Precision.Float32, 0, 4.0 * passes * Large, x =>
        {
            View a = x.Random(DType.Float32, Large), b = x.Random(DType.Float32, Large), y = x.Empty(DType.Float32, Large);
            return () => launch(x.Device, a, b, y);
        });
}
