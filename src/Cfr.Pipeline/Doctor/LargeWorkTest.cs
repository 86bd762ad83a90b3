using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Doctor;

/// <summary>
/// Has a GPU compute ops that are large enough for the kernels of networks, tensor cores and warp groups among them, and
/// compares results and gradients with the processor's.
/// </summary>
static class LargeWorkTest
{
    /// <summary>An op and the shapes of its inputs.</summary>
    internal sealed record LargeOp(string Name, Shape[] Inputs, Func<Tensor[], Tensor> Run);

    internal static readonly LargeOp[] Ops =
    [
        new("large matmul", [[4096, 64], [64, 768]], x => x[0].Matmul(x[1])),
        new("large conv3d, 16 channels", [[2, 10, 12, 9, 16], [3, 3, 3, 16, 16], [16]],
            x => x[0].Conv3d(x[1], x[2], padding: 1)),
        new("large conv3d, 64 channels", [[2, 5, 9, 10, 64], [3, 3, 3, 64, 64], [64]],
            x => x[0].Conv3d(x[1], x[2], padding: 1)),
        new("large conv3d, 2x2x2 down", [[2, 12, 12, 16, 16], [2, 2, 2, 16, 32], [32]],
            x => x[0].Conv3d(x[1], x[2], stride: 2)),
        new("large attention", [[1, 4, 64, 3 * 128], [7, 64], [127, 64]], x => x[0].SelfAttention(2, x[1], x[2])),
        new("large attention in windows", [[1, 20, 20, 3 * 128], [27, 64], [27, 64]],
            x => x[0].SelfAttention(2, x[1], x[2], window: 14)),
    ];

    /// <summary>A finding for each op.</summary>
    public static IEnumerable<Finding> Run(string name, Device device, Device processor, Precision precision) =>
        Ops.Select(op => Check(name, device, processor, precision, op));

    internal static Finding Check(string name, Device device, Device processor, Precision precision, LargeOp op) =>
        SelfTest.Finding(name, op.Name, precision, () =>
        {
            float[][] want = Results(processor, op), got = Results(device, op);
            return want.Zip(got, (w, g) => SelfTest.Difference(g, [.. w.Select(value => (double)value)])).Max();
        });

    static float[][] Results(Device device, LargeOp op) =>
        SelfTest.Results(new Session(device), op.Inputs, op.Run, Numbers);

    /// <summary>In [-1, 1).</summary>
    static float[] Numbers(long count, int salt)
    {
        var random = new Random(salt);
        return [.. Enumerable.Range(0, (int)count).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
