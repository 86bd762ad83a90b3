using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Gradients of attention on every rung and in every precision, in the emulator, at sizes that leave parts of tiles
/// empty.
/// </summary>
public class FlashBackwardTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Emulated.OfEachPrecision();

    static readonly AttentionShape[] Shapes =
    [
        new(2, 2, 5, 70, 3, 0.6f), new(1, 1, 70, 5, 20, 0.25f), new(1, 1, 66, 33, 64, 0.125f), new(1, 1, 18, 20, 80, 0.1f),
        new(1, 1, 20, 18, 100, 0.1f),
        // More columns than a strip, fewer, and as many; rows and columns in fours, and not.
        new(1, 2, 36, 36, 16, 0.25f, 2, 18), new(2, 1, 45, 45, 12, 0.25f, 5, 9), new(1, 1, 64, 64, 40, 0.2f, 4, 16),
        new(1, 1, 12, 12, 80, 0.1f, 3, 4), new(1, 1, 10, 10, 81, 0.1f, 5, 2),
    ];

    public static TheoryData<Precision, AttentionShape> Cases =>
    [
        .. from shape in Shapes
           from precision in Enum.GetValues<Precision>()
           select new TheoryDataRow<Precision, AttentionShape>(precision, shape),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_the_naive_form(Precision precision, AttentionShape shape)
    {
        AttentionRung rung = precision != Precision.Float32 ? AttentionRung.TensorCores
            : shape.HeadWidth <= 80 ? AttentionRung.SharedMemory
            : AttentionRung.Naive;
        Check(precision, rung, shape, wantsHeight: true, wantsWidth: true);
    }

    [Theory, InlineData(true, false), InlineData(false, true), InlineData(false, false)]
    public void Tables_have_gradients_where_they_are_wanted(bool wantsHeight, bool wantsWidth) => Check(
        Precision.BFloat16, AttentionRung.TensorCores, new(1, 2, 12, 12, 6, 0.4f, 4, 3), wantsHeight, wantsWidth);

    [Fact]
    public void Heads_too_wide_for_tensor_cores_go_to_the_first_rung() => Check(
        Precision.TF32, AttentionRung.Naive, new(1, 1, 6, 6, 130, 0.1f, 2, 3), wantsHeight: true, wantsWidth: true);

    [Theory, InlineData(64, AttentionRung.TensorCores), InlineData(128, AttentionRung.Naive)]
    public void Where_a_block_has_99_KiB_of_shared_memory_only_what_fits_is_taken(int width, object rung)
    {
        using var device = new EmulatedDevice(Precision.BFloat16) { SharedBytesOfGpu = 99 << 10 };
        Assert.Equal(
            rung, ((GpuAttention)device.Attention).HighestBackward(new AttentionShape(1, 1, 64, 64, width, 1)));
    }

    static void Check(
        Precision precision, AttentionRung rung, AttentionShape shape, bool wantsHeight, bool wantsWidth)
    {
        const int Gap = 4;
        int stride = shape.Heads * shape.HeadWidth + Gap;
        var layoutQ = new Tokens(default, stride, (long)stride * shape.Queries);
        var layoutK = new Tokens(default, stride, (long)stride * shape.Keys);
        bool positioned = shape.GridHeight > 0;
        float[] q = Numbers.Draw(shape.Batch * layoutQ.BatchStride, 1, -2, 2), dy = Numbers.Draw(q.Length, 4);
        float[] k = Numbers.Draw(shape.Batch * layoutK.BatchStride, 2), v = Numbers.Draw(k.Length, 3);
        float[] height = positioned ? Numbers.Draw((2L * shape.GridHeight - 1) * shape.HeadWidth, 5, -0.3f, 0.3f) : [];
        float[] width = positioned ? Numbers.Draw((2L * shape.GridWidth - 1) * shape.HeadWidth, 6, -0.3f, 0.3f) : [];
        double[] y = new double[q.Length], sums = new double[shape.Batch * shape.Heads * shape.Queries];
        double[][] want = [Gaps(q), Gaps(k), Gaps(k), new double[height.Length], new double[width.Length]];
        AttentionNaive.Forward<double>(
            shape, layoutQ, q.Doubles(), layoutK, k.Doubles(), layoutK, v.Doubles(), height.Doubles(), width.Doubles(),
            layoutQ, y, sums);
        AttentionNaive.Backward<double>(
            shape, layoutQ, q.Doubles(), layoutK, k.Doubles(), layoutK, v.Doubles(), height.Doubles(), width.Doubles(),
            layoutQ, dy.Doubles(), layoutQ, want[0], layoutK, want[1], layoutK, want[2], want[3], want[4]);

        EmulatedDevice device = Devices[precision];
        using var operands = new Operands(device);
        View[] got = [.. want.Select(values => operands.Output(values.Length))];
        var tables = positioned ? new RelativePositions(operands.Of(height), operands.Of(width)) : default;
        var gradients = new RelativePositions(
            positioned && wantsHeight ? got[3] : default, positioned && wantsWidth ? got[4] : default);
        Tokens[] given =
        [
            layoutQ with { Data = operands.Of(q) }, layoutK with { Data = operands.Unaligned(k) },
            layoutK with { Data = operands.Of(v) }, layoutQ with { Data = operands.Of(Floats(y)) },
            layoutQ with { Data = operands.Of(dy) },
        ];
        View logSumExp = operands.Of(Floats(sums));
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xFF);
        var attention = (GpuAttention)device.Attention;
        Assert.Equal(rung, attention.HighestBackward(shape));
        attention.Backward(
            shape, given[0], given[1], given[2], tables, given[3], logSumExp, given[4], layoutQ with { Data = got[0] },
            layoutK with { Data = got[1] }, layoutK with { Data = got[2] }, gradients);

        double roundoff = precision switch
        {
            _ when rung == AttentionRung.Naive => 1e-6,
            Precision.BFloat16 => 1.0 / (1 << 8),
            Precision.TF32 => 1.0 / (1 << 11),
            _ => 1e-6,
        };
        for (int i = 0; i < want.Length; i++)
        {
            if (want[i].Length == 0) continue;
            bool isLeftOut = i == 3 && !wantsHeight || i == 4 && !wantsWidth;
            double largest = want[i].Where(value => !double.IsNaN(value)).Max(Math.Abs);
            if (isLeftOut)
                Assert.All(operands.Floats(got[i]), value => Assert.True(float.IsNaN(value)));
            else
                Numbers.AssertClose(want[i], operands.Floats(got[i]), 0, 4 * roundoff * largest);
        }
    }

    static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);

    /// <summary>NaN everywhere: what is between the rows of tokens stays so.</summary>
    static double[] Gaps(float[] like)
    {
        double[] values = new double[like.Length];
        Array.Fill(values, double.NaN);
        return values;
    }
}
