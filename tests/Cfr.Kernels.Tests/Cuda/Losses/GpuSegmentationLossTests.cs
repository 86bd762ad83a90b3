namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Cross-entropy and Dice of the CUDA kernels, emulated.</summary>
public class GpuSegmentationLossTests
{
    [Theory]
    [InlineData(1, 2, 0, 255), InlineData(700, 2, 1, 255), InlineData(201, 3, 0, 1), InlineData(300, 14, 0, 0)]
    [InlineData(150, 32, 1, 255), InlineData(130, 33, 0, 255), InlineData(65, 70, 0, 255), InlineData(40, 1, 0, 255)]
    public void Any_number_of_classes_matches(int rows, int classes, int firstClass, int ignore)
    {
        var random = new Random(classes);
        var shape = new SegmentationLossShape(rows, classes, 0.3f, 0.7f, 1e-5f, firstClass, ignore);
        // Some labels are no class.
        int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.Next(-1, classes + 2))];
        float[] logits = Numbers.Draw((long)rows * classes, 3, -4, 4);
        using var operands = new Operands(Emulated.Device);
        ILosses losses = operands.Device.Losses;
        View logitsView = operands.Of(logits), labelView = operands.Of(labels), values = operands.Output(3);
        View sums = operands.Output(2 + 3 * classes), dLogits = operands.Output(logits.Length);
        losses.SegmentationForward(shape, logitsView, labelView, values, sums);
        losses.SegmentationBackward(shape, logitsView, labelView, sums, operands.Of(0.7f), dLogits);

        double[] wantValues = new double[3], wantSums = new double[sums.Count];
        double[] wantGradient = new double[logits.Length];
        LossesNaive.SegmentationForward<double>(shape, logits.Doubles(), labels, wantValues, wantSums);
        LossesNaive.SegmentationBackward(shape, logits.Doubles(), labels, wantSums, 0.7, wantGradient);
        Numbers.AssertClose(wantValues, operands.Floats(values), 1e-6, 2e-7);
        Numbers.AssertClose(wantSums, operands.Floats(sums), 1e-6, 1e-7);
        double largest = wantGradient.Max(Math.Abs);
        Numbers.AssertClose(wantGradient, operands.Floats(dLogits), 3e-6, 1e-6 * largest);
    }

    [Fact]
    public void Without_a_counted_row_cross_entropy_is_zero_and_gives_no_gradient()
    {
        var shape = new SegmentationLossShape(5, 3, 1, 0, 1e-5f, 0, 255);
        using var operands = new Operands(Emulated.Device);
        View logits = operands.Of(Numbers.Draw(15)), labels = operands.Of([255, 255, 255, 255, 255]);
        View values = operands.Output(3), sums = operands.Output(11), dLogits = operands.Output(15);
        operands.Device.Losses.SegmentationForward(shape, logits, labels, values, sums);
        operands.Device.Losses.SegmentationBackward(shape, logits, labels, sums, operands.Of(1), dLogits);
        Assert.Equal(0, operands.Floats(values)[0]);
        Assert.All(operands.Floats(dLogits), gradient => Assert.Equal(0, gradient));
    }

    [Fact]
    public void More_classes_than_a_tile_holds_are_refused()
    {
        var shape = new SegmentationLossShape(1, 5000, 1, 0, 1e-5f, 0, 255);
        var error = Assert.Throws<ArgumentException>(() =>
            Emulated.Device.Losses.SegmentationForward(shape, default, default, default, default));
        Assert.Equal("segmentation loss of 5000 classes: on a GPU at most 4096", error.Message);
    }
}
