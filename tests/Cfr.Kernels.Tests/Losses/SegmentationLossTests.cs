namespace Cfr.Kernels.Tests;

/// <summary>Cross-entropy and Dice against their plain form in double precision.</summary>
public class SegmentationLossTests
{
    public static TheoryData<int> Forms => CpuForms.Indices;

    [Theory, MemberData(nameof(Forms))]
    public void Random_shapes_match(int form)
    {
        var random = new Random(8);
        for (int i = 0; i < 40; i++)
        {
            int classes = random.Next(1, 20);
            var shape = new SegmentationLossShape(
                random.Next(1, i % 8 == 0 ? 20000 : 200), classes, random.NextSingle(), random.NextSingle(), 1e-5f,
                random.Next(Math.Min(2, classes)), Ignore: i % 3 == 0 ? 0 : 255);
            // Some labels are no class.
            int[] labels = [.. Enumerable.Range(0, (int)shape.Rows).Select(_ => random.Next(-1, classes + 2))];
            Check(form, shape, labels);
        }
    }

    [Fact]
    public void Without_a_counted_row_cross_entropy_is_zero_and_gives_no_gradient()
    {
        var shape = new SegmentationLossShape(5, 3, 1, 0, 1e-5f, 0, 255);
        (float[] values, _, float[] dLogits) = Run(1, shape, [255, 255, 255, 255, 255]);
        Assert.Equal(0, values[0]);
        Assert.All(dLogits, gradient => Assert.Equal(0, gradient));
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        var shape = new SegmentationLossShape(30001, 3, 0.5f, 0.5f, 1e-5f, 0, 255);
        int[] labels = [.. Enumerable.Range(0, 30001).Select(i => i * 7 % 4)];
        var (values, sums, dLogits) = Run(1, shape, labels);
        var (values2, sums2, dLogits2) = Run(2, shape, labels);
        Assert.Equal(values, values2);
        Assert.Equal(sums, sums2);
        Assert.Equal(dLogits, dLogits2);
    }

    static void Check(int form, SegmentationLossShape shape, int[] labels)
    {
        (float[] values, float[] sums, float[] dLogits) = Run(form, shape, labels);
        double[] logits = Logits(shape).Doubles();
        double[] wantValues = new double[3], wantSums = new double[sums.Length];
        double[] wantGradient = new double[logits.Length];
        LossesNaive.SegmentationForward<double>(shape, logits, labels, wantValues, wantSums);
        LossesNaive.SegmentationBackward(shape, logits, labels, wantSums, 0.7, wantGradient);
        Numbers.AssertClose(wantValues, values, 1e-6, 1e-7);
        Numbers.AssertClose(wantSums, sums, 1e-6, 1e-7);
        double largest = wantGradient.Max(Math.Abs);
        Numbers.AssertClose(wantGradient, dLogits, 3e-6, 1e-6 * largest);
    }

    static float[] Logits(SegmentationLossShape shape) => Numbers.Draw(shape.Rows * shape.Classes, 3, -4, 4);

    static (float[] Values, float[] Sums, float[] DLogits) Run(int form, SegmentationLossShape shape, int[] labels)
    {
        using var operands = new Operands(CpuForms.All[form]);
        View logits = operands.Of(Logits(shape)), labelView = operands.Of(labels), values = operands.Output(3);
        View sums = operands.Output(2 + 3 * shape.Classes), dLogits = operands.Output(logits.Count);
        operands.Device.Losses.SegmentationForward(shape, logits, labelView, values, sums);
        operands.Device.Losses.SegmentationBackward(shape, logits, labelView, sums, operands.Of(0.7f), dLogits);
        return (operands.Floats(values), operands.Floats(sums), operands.Floats(dLogits));
    }
}
