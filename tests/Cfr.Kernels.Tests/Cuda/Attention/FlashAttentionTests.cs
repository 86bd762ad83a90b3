using Cfr.Kernels.Cuda;
using Cfr.TestKit.Ptx;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Every rung, precision and kind of positions, in the emulator, at sizes that leave parts of tiles empty.
/// </summary>
public class FlashAttentionTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Emulated.OfEachPrecision();

    static readonly (int Batch, int Heads, int Queries, int Keys, int Width)[] Crosses =
        [(2, 3, 2, 9, 3), (1, 1, 7, 129, 16), (1, 1, 130, 5, 20), (1, 1, 33, 64, 64), (1, 1, 3, 7, 101)];

    static readonly (int Heads, int Height, int Columns, int Width)[] Grids =
        [(2, 3, 23, 16), (1, 3, 4, 80), (1, 3, 4, 81), (1, 5, 16, 20), (1, 1, 64, 64), (1, 2, 64, 78)];

    public static TheoryData<Precision, AttentionShape> Shapes
    {
        get
        {
            AttentionShape[] shapes =
            [
                .. Crosses.Select(one => new AttentionShape(
                    one.Batch, one.Heads, one.Queries, one.Keys, one.Width, 1 / MathF.Sqrt(one.Width))),
                .. Grids.Select(one => new AttentionShape(
                    1, one.Heads, one.Height * one.Columns, one.Height * one.Columns, one.Width,
                    1 / MathF.Sqrt(one.Width), one.Height, one.Columns)),
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
    public void Rungs_match_the_naive_form(Precision precision, AttentionShape shape)
    {
        Check(Devices[precision], Above(precision), shape, roundoff: precision switch
        {
            Precision.BFloat16 => 1.0 / (1 << 8),
            Precision.TF32 => 1.0 / (1 << 11),
            _ => 1e-6,
        });
    }

    /// <summary>Also where queries of the second warp group, or of a warp, do not exist.</summary>
    [Theory, InlineData("emulated", 1, 64), InlineData("ptx", 1, 64), InlineData("ptx", 3, 20)]
    public void Warp_groups_match_the_naive_form(string name, int height, int width)
    {
        using GpuDevice device = name == "ptx"
            ? new PtxDevice(Precision.BFloat16) { HasWarpgroups = true }
            : new EmulatedDevice(Precision.BFloat16) { HasWarpgroups = true };
        var shape = new AttentionShape(1, 1, height * 64, height * 64, width, 1 / MathF.Sqrt(width), height, 64);
        Check(device, AttentionRung.TensorCores, shape, roundoff: 1.0 / (1 << 8));
    }

    [Theory, InlineData(Precision.Float32), InlineData(Precision.TF32), InlineData(Precision.BFloat16)]
    public void A_NaN_in_a_query_reaches_that_query_only(Precision precision)
    {
        const int Queries = 20, Keys = 3, Width = 5;
        float[] q = Numbers.Draw(Queries * Width);
        q[9 * Width + 2] = float.NaN;
        EmulatedDevice device = Devices[precision];
        using var operands = new Operands(device);
        View y = operands.Output(q.Length);
        var rows = new Tokens(default, Width, 0);
        Tokens others = rows with { Data = operands.Of(Numbers.Draw(Keys * Width, 2)) };
        ((GpuAttention)device.Attention).Forward(
            Above(precision), new AttentionShape(1, 1, Queries, Keys, Width, 0.5f), rows with { Data = operands.Of(q) },
            others, others, default, rows with { Data = y }, default);
        float[] got = operands.Floats(y);
        for (int i = 0; i < got.Length; i++) Assert.Equal(i / Width == 9, float.IsNaN(got[i]));
    }

    [Theory]
    [InlineData(Precision.BFloat16, 200, 64, 0, 0, AttentionRung.TensorCores)]
    [InlineData(Precision.Float32, 200, 64, 0, 0, AttentionRung.SharedMemory)]
    [InlineData(Precision.BFloat16, 10, 64, 0, 0, AttentionRung.Naive)]
    [InlineData(Precision.BFloat16, 200, 129, 0, 0, AttentionRung.Naive)]
    [InlineData(Precision.TF32, 64 * 64, 80, 64, 64, AttentionRung.TensorCores)]
    [InlineData(Precision.TF32, 32 * 32, 128, 32, 32, AttentionRung.TensorCores)]
    [InlineData(Precision.TF32, 39 * 39, 64, 39, 39, AttentionRung.SharedMemory)]
    [InlineData(Precision.TF32, 64 * 64, 96, 64, 64, AttentionRung.SharedMemory)]
    public void Sizes_and_precision_choose_the_rung(
        Precision precision, int tokens, int width, int height, int columns, object rung)
    {
        EmulatedDevice device = Devices[precision];
        using var operands = new Operands(device);
        View table = operands.Of(0);
        var positions = height == 0 ? default : new RelativePositions(table, table);
        var shape = new AttentionShape(1, 1, tokens, tokens, width, 1, height, columns);
        Assert.Equal(rung, ((GpuAttention)device.Attention).Highest(shape, positions));
    }

    static AttentionRung Above(Precision precision) =>
        precision == Precision.Float32 ? AttentionRung.SharedMemory : AttentionRung.TensorCores;

    static void Check(GpuDevice device, AttentionRung rung, AttentionShape shape, double roundoff)
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
        ((GpuAttention)device.Attention).Forward(
            rung, shape, layoutQ with { Data = operands.Of(q) }, layoutK with { Data = operands.Of(k) },
            layoutK with { Data = operands.Unaligned(v) }, tables, layoutQ with { Data = y }, logSumExp);
        Numbers.AssertClose(want, operands.Floats(y), 0, 4 * roundoff);
        // In bfloat16 the products with both tables are rounded as those with the keys are: three roundings in one logit.
        int roundings = positioned && device.Precision == Precision.BFloat16 ? 6 : 4;
        Numbers.AssertClose(sums, operands.Floats(logSumExp), 1e-6, roundings * roundoff);
    }
}
