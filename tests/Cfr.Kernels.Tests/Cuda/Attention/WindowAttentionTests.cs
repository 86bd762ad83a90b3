using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Attention in windows that hang over both edges, on every rung, in the emulator: results and gradients are those of
/// windows that are cut out, filled up and put together again.
/// </summary>
public class WindowAttentionTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Emulated.OfEachPrecision();

    static readonly AttentionShape[] Shapes =
    [
        Of(images: 2, new(3, 5), 2, 3, heads: 1, headWidth: 6), Of(images: 1, new(4, 3), 5, 4, heads: 2, headWidth: 16),
        // A second block of queries that are all outside, more columns than a strip, wide heads.
        Of(images: 1, new(4, 13), 5, 14, heads: 1, headWidth: 64),
        // As many rows as there can be strips.
        Of(images: 1, new(15, 2), 16, 2, heads: 1, headWidth: 64),
        Of(images: 1, new(2, 17), 3, 18, heads: 1, headWidth: 20), Of(images: 1, new(3, 3), 4, 4, heads: 1, headWidth: 80),
    ];

    public static TheoryData<Precision, object, AttentionShape> Cases =>
    [
        .. from shape in Shapes
           from way in new[]
           {
               (Precision.Float32, AttentionRung.Naive), (Precision.Float32, AttentionRung.SharedMemory),
               (Precision.TF32, AttentionRung.TensorCores), (Precision.BFloat16, AttentionRung.TensorCores),
           }
           where way.Item2 != AttentionRung.Naive || shape.HeadWidth < 20
           select new TheoryDataRow<Precision, object, AttentionShape>(way.Item1, way.Item2, shape),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Every_rung_matches_the_naive_form(Precision precision, object rung, AttentionShape shape)
    {
        Check(Devices[precision], shape, wantsOutside: true, Roundoff(precision), (AttentionRung)rung);
    }

    [Theory, InlineData(AttentionRung.Naive), InlineData(AttentionRung.SharedMemory)]
    public void The_gradient_outside_may_be_unwanted(object rung)
    {
        Check(Devices[Precision.Float32], Shapes[0], wantsOutside: false, Roundoff(Precision.Float32), (AttentionRung)rung);
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void So_are_the_processors(int form)
    {
        foreach (AttentionShape shape in Shapes) Check(CpuForms.All[form], shape, wantsOutside: true, 1e-6);
        Check(CpuForms.All[form], Shapes[0], wantsOutside: false, 1e-6);
    }

    static AttentionShape Of(int images, TokenImage image, int rows, int columns, int heads, int headWidth)
    {
        int area = rows * columns;
        var shape = new AttentionShape(
            images, heads, area, area, headWidth, 1 / MathF.Sqrt(headWidth), rows, columns, image);
        return shape with { Batch = images * shape.WindowsDown * shape.WindowsAcross };
    }

    static double Roundoff(Precision precision) => precision switch
    {
        Precision.BFloat16 => 1.0 / (1 << 8),
        Precision.TF32 => 1.0 / (1 << 11),
        _ => 1e-6,
    };

    static void Check(
        Device device, AttentionShape shape, bool wantsOutside, double roundoff, AttentionRung rung = default)
    {
        int channels = shape.Heads * shape.HeadWidth, tokens = shape.Image.Height * shape.Image.Width;
        float[][] given =
        [
            .. Enumerable.Range(1, 4).Select(seed => Numbers.Draw(shape.Results * channels, seed, -1.5f, 1.5f)),
            Numbers.Draw(channels, 5), Numbers.Draw(channels, 6),
            Numbers.Draw((2L * shape.GridHeight - 1) * shape.HeadWidth, 7, -0.3f, 0.3f),
            Numbers.Draw((2L * shape.GridWidth - 1) * shape.HeadWidth, 8, -0.3f, 0.3f),
        ];
        double[][] x = [.. given.Select(values => values.Doubles())];
        // y; gradients of q, k, v, k and v outside, and the tables
        double[][] want = [.. new[] { 0, 0, 1, 2, 4, 5, 6, 7 }.Select(like => new double[x[like].Length])];
        WindowAttentionNaive.Forward<double>(shape, x[0], x[1], x[2], x[4], x[5], x[6], x[7], want[0], []);
        WindowAttentionNaive.Backward<double>(
            shape, x[0], x[1], x[2], x[4], x[5], x[6], x[7], x[3], want[1], want[2], want[3], want[4], want[5], want[6],
            want[7]);

        using var operands = new Operands(device);
        View[] of = [.. given.Select(values => operands.Of(values))];
        View[] got = [.. want.Select(values => operands.Output(values.Length))];
        View logSumExp = operands.Output(shape.Batch * shape.Heads * shape.Queries);
        Tokens q = Rows(of[0]), k = Rows(of[1], of[4]), v = Rows(of[2], of[5]), dy = Rows(of[3]), y = Rows(got[0]);
        Tokens dk = Rows(got[2], wantsOutside ? got[4] : default), dv = Rows(got[3], wantsOutside ? got[5] : default);
        var tables = new RelativePositions(of[6], of[7]);
        var dTables = new RelativePositions(got[6], got[7]);
        if (device is EmulatedDevice gpu)
        {
            gpu.Pool.Lending = (address, bytes) => gpu.FillBytes(address, bytes, 0xFF);
            var attention = (GpuAttention)gpu.Attention;
            attention.Forward(rung, shape, q, k, v, tables, y, logSumExp);
            attention.Backward(
                rung, shape, q, k, v, tables, y, logSumExp, dy, Rows(got[1]), dk, dv, dTables);
        }
        else
        {
            device.Attention.Forward(shape, q, k, v, tables, y, logSumExp);
            device.Attention.Backward(
                shape, q, k, v, tables, y, logSumExp, dy, Rows(got[1]), dk, dv, dTables);
        }

        for (int i = 0; i < want.Length; i++)
        {
            if (!wantsOutside && i is (4 or 5))
                Assert.All(operands.Floats(got[i]), value => Assert.True(float.IsNaN(value)));
            else
                Numbers.AssertClose(want[i], operands.Floats(got[i]), 0, 4 * roundoff * want[i].Max(Math.Abs));
        }

        Tokens Rows(View data, View outside = default) => new(data, channels, (long)tokens * channels, outside);
    }
}
