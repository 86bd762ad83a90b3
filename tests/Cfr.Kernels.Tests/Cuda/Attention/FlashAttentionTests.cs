using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Every rung, precision and kind of positions, in the emulator, at sizes that leave parts of tiles empty.
/// </summary>
public class FlashAttentionTests
{
    const int Batch = 2, Heads = 2;

    static readonly (int Queries, int Keys, int Width)[] Crosses =
        [(1, 1, 3), (7, 129, 16), (130, 5, 20), (33, 64, 64), (20, 65, 100)];

    static readonly (int Height, int Columns, int Width)[] Grids = [(5, 9, 16), (3, 4, 80), (3, 4, 81), (1, 64, 64), (2, 64, 78)];

    public static TheoryData<Precision, AttentionShape> Shapes
    {
        get
        {
            AttentionShape[] shapes =
            [
                .. Crosses.Select(one => new AttentionShape(
                    Batch, Heads, one.Queries, one.Keys, one.Width, 1 / MathF.Sqrt(one.Width))),
                .. Grids.Select(one => new AttentionShape(
                    1, Heads, one.Height * one.Columns, one.Height * one.Columns, one.Width, 1 / MathF.Sqrt(one.Width),
                    one.Height, one.Columns)),
            ];
            return
            [
                .. from shape in shapes
                   from precision in Enum.GetValues<Precision>()
                   select new TheoryDataRow<Precision, AttentionShape>(precision, shape),
            ];
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void The_highest_rung_matches_the_naive_form(Precision precision, AttentionShape shape)
    {
        using var device = new EmulatedDevice(precision);
        AttentionRung want = precision == Precision.Float32 ? AttentionRung.Registers : AttentionRung.TensorCores;
        Check(device, want, shape, roundoff: precision switch
        {
            Precision.BFloat16 => 1.0 / (1 << 8),
            Precision.TF32 => 1.0 / (1 << 11),
            _ => 1e-6,
        });
    }

    [Theory]
    [InlineData(16, 129, 0, 0)]
    [InlineData(16, 6, 1, 6)]
    [InlineData(77, 1, 1, 76)]
    public void Shapes_that_tensor_cores_do_not_take_go_down_the_ladder(int queries, int width, int height, int columns)
    {
        using var device = new EmulatedDevice(Precision.BFloat16);
        if (height > 0) queries = height * columns;
        AttentionRung want = width > 128 ? AttentionRung.Naive
            : height + columns > PositionsByKey.MostPlaces ? AttentionRung.Registers
            : AttentionRung.TensorCores;
        Check(device, want, new AttentionShape(1, 1, queries, queries, width, 0.3f, height, columns), 1.0 / (1 << 8));
    }

    static void Check(EmulatedDevice device, AttentionRung rung, AttentionShape shape, double roundoff)
    {
        const int Gap = 4;
        int stride = shape.Heads * shape.HeadWidth + Gap;
        var layoutQ = new Tokens(default, stride, (long)stride * shape.Queries);
        var layoutK = new Tokens(default, stride, (long)stride * shape.Keys);
        float[] q = Numbers.Draw(shape.Batch * layoutQ.BatchStride, 1, -2, 2);
        float[] k = Numbers.Draw(shape.Batch * layoutK.BatchStride, 2), v = Numbers.Draw(k.Length, 3);
        bool positioned = shape.GridHeight > 0;
        float[] height = positioned ? Numbers.Draw((2L * shape.GridHeight - 1) * shape.HeadWidth, 4, -0.3f, 0.3f) : [];
        float[] width = positioned ? Numbers.Draw((2L * shape.GridWidth - 1) * shape.HeadWidth, 5, -0.3f, 0.3f) : [];
        double[] want = new double[q.Length], sums = new double[shape.Batch * shape.Heads * shape.Queries];
        Array.Fill(want, double.NaN);
        AttentionNaive.Forward<double>(
            shape, layoutQ, q.Doubles(), layoutK, k.Doubles(), layoutK, v.Doubles(), height.Doubles(), width.Doubles(),
            layoutQ, want, sums);

        using var operands = new Operands(device);
        var tables = positioned ? new RelativePositions(operands.Of(height), operands.Of(width)) : default;
        View y = operands.Output(q.Length), logSumExp = operands.Output(sums.Length);
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xFF);
        var attention = (GpuAttention)device.Attention;
        Assert.Equal(rung, attention.Highest(shape, tables));
        attention.Forward(
            shape, layoutQ with { Data = operands.Of(q) }, layoutK with { Data = operands.Of(k) },
            layoutK with { Data = operands.Unaligned(v) }, tables, layoutQ with { Data = y }, logSumExp);
        Numbers.AssertClose(want, operands.Floats(y), 0, 4 * roundoff);
        Numbers.AssertClose(sums, operands.Floats(logSumExp), 1e-6, 4 * roundoff);
    }
}
