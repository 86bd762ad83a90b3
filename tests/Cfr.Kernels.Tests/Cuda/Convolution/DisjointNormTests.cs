using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Convolutions with kernels as large as their stride that normalise what they load and measure what they store, in the
/// emulator: the bits that writing first gives, and statistics against double precision.
/// </summary>
public class DisjointNormTests
{
    static readonly EmulatedDevice Device = new() { SmallWork = 0 };

    /// <summary>The same code as that of the large tiles, of one or two warps.</summary>
    static readonly Dictionary<string, DisjointTile> Tiles = new()
    {
        ["float32"] = DisjointKernels.Float32.Small,
        ["tf32"] = DisjointKernels.Tensor<Tf32Mma, WarpTile32, Fragments32, OneWarp>("tf32_32x32", blocks: 1),
        ["bfloat16"] =
            DisjointKernels.Tensor<BFloat16OfFloatsMma, WarpTile32, Fragments32, OneWarp>("bfloat16_32x32", blocks: 1),
    };

    static readonly Dictionary<string, DisjointTile> Real = DisjointKernels.Float32.All
        .Concat(DisjointKernels.Tf32.All).Concat(DisjointKernels.BFloat16.All)
        .Where(tile => tile.Norms is not null && tile != DisjointKernels.Float32.Small).ToDictionary(tile => tile.Forward.Name);

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["one voxel each"] = Shape(2, new(2, 2, 2), 8, 20, new(2, 2, 2)),
        ["voxels that no patch has"] = Shape(2, new(5, 7, 5), 4, 12, new(2, 2, 2)),
        ["more of everything than a tile has"] = Shape(1, new(2, 10, 14), 12, 68, new(2, 1, 2)),
        ["runs of several voxels a packet, many columns"] = Shape(2, new(1, 8, 20), 3, 4, new(1, 4, 4)),
        ["a sum in pieces"] = Shape(2, new(1, 8, 18), 20, 4, new(1, 8, 4)),
        ["samples of whole tiles"] = Shape(2, new(1, 16, 16), 4, 8, new(1, 2, 2)),
    };

    public static TheoryData<string, string> Cases =>
        [.. from tile in Tiles.Keys from shape in Shapes.Keys select new TheoryDataRow<string, string>(tile, shape)];

    public static TheoryData<string> RealTiles => [.. Real.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void All_passes_give_the_bits_of_what_is_written_first(string tile, string shape) =>
        Check(new DisjointTiles(Tiles[tile], Tiles[tile], Tiles[tile]), Shapes[shape]);

    [Theory, MemberData(nameof(RealTiles))]
    public void So_does_each_tile(string name) => Check(
        new DisjointTiles(Real[name], Real[name], Real[name]), Shape(1, new(1, 4, 10), 4, 8, new(1, 2, 2)));

    [Fact]
    public void What_does_not_begin_at_a_packet_is_copied()
    {
        ConvolutionShape shape = Shape(2, new(2, 4, 4), 4, 8, new(2, 2, 2));
        IFusedNormalization fused = Device.FusedNormalization!;
        using var operands = new Operands(Device);
        float[] w = Numbers.Draw(8 * 4 * 8, 2), dy = Numbers.Draw(2 * 4 * 8, 3);
        NormalizedView x = Normalized(operands, Numbers.Draw(2 * 32 * 4), 4);
        View y = operands.Output(2 * 4 * 8), shifted = operands.Output(2 * 4 * 8);
        View dw = operands.Output(w.Length), ofShifted = operands.Output(w.Length);
        fused.Forward(shape, x, operands.Of(w), default, y);
        fused.Forward(shape, x, operands.Of([0, .. w]).Slice(1), default, shifted);
        fused.WeightGradient(shape, x, operands.Of(dy), dw);
        fused.WeightGradient(shape, x, operands.Of([0, .. dy]).Slice(1), ofShifted);
        Assert.Equal(operands.Floats(y), operands.Floats(shifted));
        Assert.Equal(operands.Floats(dw), operands.Floats(ofShifted));
    }

    [Fact]
    public void Some_are_written_first_or_measured_afterwards()
    {
        IFusedNormalization fused = Device.FusedNormalization!;
        ConvolutionShape own = Shape(2, new(2, 4, 4), 4, 8, new(2, 2, 2));
        using var operands = new Operands(Device);
        NormalizedView x = Normalized(operands, new float[2 * 32 * 4], 4);
        NormalizedView dy = Normalized(operands, new float[2 * 4 * 8], 8);
        Assert.True(fused.CanRead(own, x) && fused.CanReadForWeights(own, x));
        Assert.True(fused.CanReadTransposed(own, dy) && fused.CanReadTransposedForWeights(own, dy));
        NormalizedView eachSample = x with { Shape = x.Shape with { AcrossBatch = false } };
        Assert.False(fused.CanRead(own, eachSample) || fused.CanReadForWeights(own, eachSample));
        NormalizedView ofDy = dy with { Shape = dy.Shape with { AcrossBatch = false } };
        Assert.False(fused.CanReadTransposed(own, ofDy) || fused.CanReadTransposedForWeights(own, ofDy));
        NormalizedView shifted = x with { X = x.X.Slice(1) };
        Assert.False(fused.CanRead(own, shifted) || fused.CanReadForWeights(own, shifted));
        ConvolutionShape other = own with { Padding = new(0, 1, 0) };
        Assert.False(fused.CanRead(other, x) || fused.CanReadTransposed(other, dy));
        Assert.Equal((0, 0), (fused.MeasuredBoxes(other, true), fused.MeasuredBoxesTransposed(other, true)));
        ConvolutionShape large = Shape(4, new(28, 28, 20), 64, 128, new(2, 2, 2));
        Assert.True(fused.CanRead(large, x with { Shape = NormShape.PerChannel(4, 28 * 28 * 20, 64) }));
        large = large with { Batch = 8 };
        Assert.False(fused.CanRead(large, x with { Shape = NormShape.PerChannel(8, 28 * 28 * 20, 64) }));

        Assert.Equal((1, 8), (fused.MeasuredBoxes(own, true), fused.MeasuredBoxesTransposed(own, true)));
        Assert.Equal((0, 0), (fused.MeasuredBoxes(own, false), fused.MeasuredBoxesTransposed(own, false)));
        Assert.Equal(1, fused.MeasuredBoxes(own with { Batch = 1 }, false));
        Assert.Equal(8, fused.MeasuredBoxesTransposed(own with { Batch = 1 }, false));
        Assert.Equal(0, fused.MeasuredBoxes(Shapes["a sum in pieces"], true));
        Assert.True(fused.MeasuredBoxes(Shapes["voxels that no patch has"], true) > 0);
        Assert.Equal(0, fused.MeasuredBoxesTransposed(Shapes["voxels that no patch has"], true));
    }

    static void Check(DisjointTiles tiles, ConvolutionShape shape)
    {
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        long weights = shape.Kernel.Voxels * shape.InChannels * shape.OutChannels;
        var convolution = new GpuDisjointConvolution(Device);
        using var operands = new Operands(Device);
        Device.Pool.Lending = (address, bytes) => Device.FillBytes(address, bytes, 0xff);
        View w = operands.Of(Numbers.Draw(weights, 2)), plainX = operands.Of(Numbers.Draw(inputs, 3));
        View outBias = operands.Of(Numbers.Draw(shape.OutChannels, 4, 5, 9));
        View inBias = operands.Of(Numbers.Draw(shape.InChannels, 5, -9, -5));
        View plainDy = operands.Of(Numbers.Draw(outputs, 6));

        if (shape.InChannels % 4 == 0)
        {
            NormalizedView x = Normalized(operands, Numbers.Draw(inputs, 7, -2, 4), shape.InChannels);
            View written = Written(operands, x);
            SameBits(
                operands, outputs, y => Assert.True(convolution.Forward(tiles, shape, written, w, outBias, y, 0)),
                y => convolution.Forward(tiles, shape, x, w, outBias, y, default));
            SameBits(
                operands, weights, dw => Assert.True(convolution.WeightGradient(tiles, shape, written, plainDy, dw)),
                dw => convolution.WeightGradient(tiles, shape, x, plainDy, dw));
            Measures(
                operands, outputs, shape.OutChannels, shape.Batch,
                each => GpuDisjointConvolution.MeasuredBoxes(tiles, shape, each),
                (y, moments) => convolution.Forward(tiles, shape, x, w, outBias, y, moments));
        }
        NormalizedView dy = Normalized(operands, Numbers.Draw(outputs, 8, -2, 4), shape.OutChannels);
        View writtenDy = Written(operands, dy);
        SameBits(
            operands, inputs, dx => Assert.True(convolution.InputGradient(tiles, shape, writtenDy, w, inBias, dx, 0)),
            dx => convolution.InputGradient(tiles, shape, dy, w, inBias, dx, default));
        SameBits(
            operands, weights, dw => Assert.True(convolution.WeightGradient(tiles, shape, plainX, writtenDy, dw)),
            dw => convolution.WeightGradient(tiles, shape, plainX, dy, dw));
        Measures(
            operands, inputs, shape.InChannels, shape.Batch,
            each => GpuDisjointConvolution.MeasuredBoxesOfInputs(tiles, shape, each),
            (dx, moments) => convolution.InputGradient(tiles, shape, dy, w, inBias, dx, moments));
        // Statistics of what was not normalised.
        Measures(
            operands, inputs, shape.InChannels, shape.Batch,
            each => GpuDisjointConvolution.MeasuredBoxesOfInputs(tiles, shape, each),
            (dx, moments) =>
                convolution.InputGradient(tiles, shape, dy with { Constants = default }, w, default, dx, moments));
    }

    static void SameBits(Operands operands, long count, Action<View> want, Action<View> run)
    {
        View expected = operands.Output(count), got = operands.Output(count);
        want(expected);
        run(got);
        float[] numbers = operands.Floats(expected);
        Assert.DoesNotContain(float.NaN, numbers);
        Assert.Equal(numbers, operands.Floats(got));
    }

    /// <summary>Statistics of what is stored at the same time, of the batch and of each sample where that can be.</summary>
    static void Measures(
        Operands operands, long count, int channels, int batch, Func<bool, int> boxesOf, Action<View, View> run)
    {
        foreach (bool acrossBatch in (bool[])[true, false])
        {
            int boxes = boxesOf(acrossBatch);
            if (boxes == 0) continue;
            int samples = acrossBatch ? 1 : batch;
            View y = operands.Output(count), mean = operands.Output(samples * channels);
            View variance = operands.Output(samples * channels);
            View moments = operands.Output(3L * channels * boxes);
            run(y, moments);
            var norm = new NormShape(batch, count / channels / batch, channels, channels, acrossBatch);
            Device.FusedNormalization!.Statistics(norm, moments, mean, variance);
            float[] values = operands.Floats(y);
            double[] means = new double[samples * channels], variances = new double[samples * channels];
            long voxels = count / channels / samples;
            for (int statistic = 0; statistic < means.Length; statistic++)
            {
                long first = statistic / channels * voxels * channels + statistic % channels;
                double[] column =
                    [.. Enumerable.Range(0, (int)voxels).Select(voxel => (double)values[first + voxel * channels])];
                means[statistic] = column.Average();
                variances[statistic] = column.Average(value => Math.Pow(value - means[statistic], 2));
            }
            Numbers.AssertClose(means, operands.Floats(mean), 1e-6, 1e-6);
            Numbers.AssertClose(variances, operands.Floats(variance), 1e-5, 1e-9);
        }
    }

    static NormalizedView Normalized(Operands operands, float[] x, int channels)
    {
        float[] constants =
            [.. Numbers.Draw(channels, 11), .. Numbers.Draw(channels, 12, 0.5f, 2), .. Numbers.Draw(channels, 13)];
        var shape = new NormShape(2, x.Length / channels / 2, channels, channels, AcrossBatch: true);
        return new NormalizedView(shape, operands.Of(x), operands.Of(constants));
    }

    static View Written(Operands operands, NormalizedView x)
    {
        View written = operands.Output(x.X.Count);
        Device.FusedNormalization!.Write(x, written);
        return written;
    }

    static ConvolutionShape Shape(int batch, Extent input, int channels, int outputs, Extent kernel) => new(
        batch, input, channels, new Extent(input.D / kernel.D, input.H / kernel.H, input.W / kernel.W), outputs,
        kernel, kernel, default);
}
