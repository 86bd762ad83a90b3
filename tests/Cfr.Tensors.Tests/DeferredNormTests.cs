using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>relu(norm x) that a GPU never writes, beside the same on the processor, which does.</summary>
public sealed class DeferredNormTests
{
    static readonly Dictionary<Precision, EmulatedDevice> Devices = Enum.GetValues<Precision>()
        .ToDictionary(precision => precision, precision => new EmulatedDevice(precision) { SmallWork = 0 });

    static readonly Shape Sizes = [2, 3, 5, 9, 8];

    /// <summary>Blocks of the kernels for weights with depth are larger than the emulator's: there it is written.</summary>
    [Theory]
    [InlineData(Precision.Float32, 3, false, 1e-5), InlineData(Precision.Float32, 1, true, 1e-5)]
    [InlineData(Precision.TF32, 1, true, 3e-3), InlineData(Precision.BFloat16, 1, false, 3e-2)]
    [InlineData(Precision.BFloat16, 3, true, 3e-2)]
    public void A_convolution_reads_what_was_put_off(Precision precision, int planes, bool eachSample, double tolerance)
    {
        AssertReads(
            Devices[precision], Sizes, [planes, 3, 3, 8, 12],
            (x, weight) => Convolution.Forward("conv", x, weight, null, new(1, 1, 1), new(planes / 2, 1, 1)), eachSample,
            forward: true, backward: planes == 1, tolerance);
    }

    /// <summary>Down halves a volume of odd sizes, so that there are voxels that nobody reads; up doubles it.</summary>
    [Theory]
    [InlineData(Precision.Float32, false, false, 1e-5), InlineData(Precision.Float32, true, false, 1e-5)]
    [InlineData(Precision.TF32, true, false, 3e-3), InlineData(Precision.TF32, false, true, 3e-3)]
    [InlineData(Precision.BFloat16, false, false, 3e-2), InlineData(Precision.BFloat16, true, false, 3e-2)]
    public void So_does_one_as_large_as_its_stride_where_samples_share_statistics(
        Precision precision, bool up, bool eachSample, double tolerance) => AssertReads(
        Devices[precision], [2, 3, 5, 7, 8], up ? [2, 2, 2, 4, 8] : [2, 2, 2, 8, 12],
        (x, weight) => up ? x.ConvTranspose3d(weight, stride: 2) : x.Conv3d(weight, stride: 2), eachSample,
        forward: !eachSample, backward: !eachSample, tolerance);

    /// <summary>
    /// The result of a convolution of relu(norm x), and all gradients, are those of the processor; whether relu(norm x)
    /// is still not written after either pass.
    /// </summary>
    static void AssertReads(
        Device device, Shape sizes, Shape weights, Func<Tensor, Tensor, Tensor> convolve, bool eachSample, bool forward,
        bool backward, double tolerance)
    {
        using var cpu = new CpuDevice(1);
        float[][] want = Run(cpu, false, false), got = Run(device, forward, backward);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max() / largest, 0, tolerance);
        }

        float[][] Run(Device device, bool forward, bool backward)
        {
            var session = new Session(device, seed: 3);
            using Scope scope = session.Scope();
            Tensor x = session.Uniform(sizes, -1, 2).WithGrad(), scale = session.Uniform([8], 0.5f, 2).WithGrad();
            Tensor bias = session.Uniform([8], -0.5f, 1).WithGrad();
            Tensor weight = session.Uniform(weights, -0.2f, 0.2f).WithGrad();
            Tensor a = Norm(x + 0, scale, bias, eachSample);
            Tensor y = convolve(a, weight);
            Assert.Equal(forward, a.Deferred is not null);
            y.Backward(session.Uniform(y.Shape, -1, 1));
            Assert.Equal(backward, a.Deferred is not null);
            return
            [
                y.ToArray(), x.Grad!.ToArray(), scale.Grad!.ToArray(), bias.Grad!.ToArray(), weight.Grad!.ToArray(),
            ];
        }
    }

    /// <summary>Beside the same with the norm and what is dropped of it in memory.</summary>
    [Theory]
    [InlineData(Precision.Float32, false, 0.5f), InlineData(Precision.Float32, true, 0.3f)]
    [InlineData(Precision.TF32, true, 0.5f), InlineData(Precision.BFloat16, false, 0.5f)]
    public void Channels_are_dropped_of_what_was_put_off(Precision precision, bool eachSample, float rate)
    {
        float[][] want = Run(atOnce: true), got = Run(atOnce: false);
        for (int i = 0; i < want.Length; i++)
        {
            if (rate == 0.5f) Assert.Equal(want[i], got[i]);
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max() / largest, 0, 1e-6);
        }
        float[] columns = [.. Enumerable.Range(0, 16).Select(
            i => Enumerable.Range(0, 135).Sum(voxel => want[^1][i / 8 * 135 * 8 + voxel * 8 + i % 8]))];
        Assert.InRange(columns.Count(sum => sum == 0), 1, 15);

        float[][] Run(bool atOnce)
        {
            var session = new Session(Devices[precision], seed: 6);
            using Scope scope = session.Scope();
            Tensor x = session.Uniform(Sizes, -1, 2).WithGrad(), scale = session.Uniform([8], 0.5f, 2).WithGrad();
            Tensor bias = session.Uniform([8], -0.5f, 1).WithGrad(), z = session.Normal(Sizes);
            Tensor weight = session.Uniform([1, 3, 3, 8, 12], -0.2f, 0.2f).WithGrad();
            Tensor a = Norm(x + 0, scale, bias, eachSample);
            if (atOnce) a.ToArray();
            Tensor y = a.ChannelDropout(rate), sum = y + z;
            Tensor conv = Convolution.Forward("conv", y, weight, null, new(1, 1, 1), new(0, 1, 1));
            conv.Backward(session.Uniform(conv.Shape, -1, 1));
            Assert.Equal((atOnce, atOnce), (a.Deferred is null, y.Deferred is null));
            return
            [
                conv.ToArray(), x.Grad!.ToArray(), scale.Grad!.ToArray(), bias.Grad!.ToArray(), weight.Grad!.ToArray(),
                sum.ToArray(), (a + y).ToArray(), y.ToArray(),
            ];
        }
    }

    /// <summary>
    /// A first layer that measures, its norm, dropout and a head: on a GPU only what convolutions store is written.
    /// </summary>
    [Theory]
    [InlineData(Precision.Float32, false, 2, 0.5f), InlineData(Precision.Float32, true, 5, 0.3f)]
    [InlineData(Precision.TF32, true, 1, 0), InlineData(Precision.BFloat16, false, 8, 0.5f)]
    public void A_head_reads_what_was_put_off(Precision precision, bool eachSample, int classes, float rate)
    {
        using var cpu = new CpuDevice(1);
        float[][] want = Run(cpu, false), got = Run(Devices[precision], true), again = Run(Devices[precision], true);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max() / largest, 0, 1e-5);
            Assert.Equal(got[i], again[i]);
        }

        float[][] Run(Device device, bool isPutOff)
        {
            var session = new Session(device, seed: 4);
            using Scope scope = session.Scope();
            Tensor x = session.Uniform([3, 2, 5, 11, 1], -1, 2);
            Tensor first = session.Uniform([3, 3, 3, 1, 8], -1, 1).WithGrad();
            Tensor scale = session.Uniform([8], 0.5f, 2).WithGrad(), shift = session.Uniform([8], -0.5f, 1).WithGrad();
            Tensor head = session.Uniform([1, 1, 1, 8, classes], -1, 1).WithGrad();
            Tensor bias = session.Uniform([classes]).WithGrad();
            Tensor stored = x.Conv3d(first, padding: 1, measure: eachSample ? Measure.Samples : Measure.Batch);
            Assert.Equal(isPutOff, stored.Measured is not null);
            Tensor a = Norm(stored, scale, shift, eachSample), dropped = a.ChannelDropout(rate);
            Tensor y = dropped.Conv3d(head, bias);
            y.Backward(session.Uniform(y.Shape, -1, 1));
            Assert.Equal((isPutOff, isPutOff), (a.Deferred is not null, dropped.Deferred is not null));
            return
            [
                y.ToArray(), first.Grad!.ToArray(), scale.Grad!.ToArray(), shift.Grad!.ToArray(), head.Grad!.ToArray(),
                bias.Grad!.ToArray(),
            ];
        }
    }

    [Fact]
    public void Dropping_channels_and_a_head_read_the_volume_once_and_write_none()
    {
        const int Samples = 2, Voxels = 3 * 5 * 9, Channels = 8, Classes = 2, Table = Samples * Channels;
        var profiler = new Profiler();
        using var device = new ProfiledDevice(new EmulatedDevice(), profiler);
        var session = new Session(device, seed: 2);
        using Scope scope = session.Scope();
        Tensor a = Norm(session.Normal(Sizes), null, null, false), head = session.Normal([1, 1, 1, Channels, Classes]);
        profiler.Forget();
        a.ChannelDropout(0.5f).Conv3d(head, session.Zeros([Classes]));
        ProfileRow[] rows = [.. profiler.Rows(bySizes: false).Where(row => row.Name != "fill")];
        Assert.Equal(
            [
                ("convolution forward", 4.0 * (Samples * Voxels * (Channels + Classes) + 3 * Table + 9 * Classes)),
                ("dropout", 4.0 * 2 * Table), ("norm constants", 4.0 * (3 * Channels + Table + 3 * Table)),
            ],
            rows.Select(row => (row.Name, row.Bytes)).Order());
    }

    [Fact]
    public void What_channels_were_dropped_of_may_change_and_nothing_of_it_stays_behind()
    {
        using var device = new EmulatedDevice();
        var session = new Session(device, seed: 1);
        ulong draws = session.Random.Draws;
        float[] want = Dropped(x => { });
        session.Random.Draws = draws;
        Assert.Equal(want, Dropped(x => x.Fill(1)));
        using (session.Scope()) Norm(session.Normal(Sizes), null, null, true).ChannelDropout(0.5f);
        Assert.Equal(0, device.Pool.BytesInUse);
        GC.KeepAlive(session);

        float[] Dropped(Action<Tensor> change)
        {
            using Scope scope = session.Scope();
            Tensor x = session.Normal(Sizes), y = Norm(x, null, null, false).ChannelDropout(0.5f);
            Assert.NotNull(y.Deferred);
            change(x);
            return y.ToArray();
        }
    }

    [Theory]
    [InlineData(Precision.Float32, 8, 7, Measure.Batch), InlineData(Precision.Float32, 8, 18, Measure.Samples)]
    [InlineData(Precision.TF32, 8, 5, Measure.Samples), InlineData(Precision.BFloat16, 8, 21, Measure.Batch)]
    [InlineData(Precision.Float32, 1, 16, Measure.Batch), InlineData(Precision.BFloat16, 1, 7, Measure.Samples)]
    [InlineData(Precision.TF32, 1, 128, Measure.Samples), InlineData(Precision.TF32, 1, 1, Measure.Batch)]
    public void A_convolution_measures_what_it_stores(
        Precision precision, int inChannels, int channels, Measure measure)
    {
        var session = new Session(Devices[precision], seed: 9);
        using Scope scope = session.Scope();
        Shape sizes = inChannels == 1 ? [3, 6, 5, 11, 1] : Sizes;
        Tensor x = session.Uniform(sizes, -1, 2);
        Tensor weight = session.Uniform([3, 3, 3, inChannels, channels], -0.2f, 0.2f);
        Tensor y = x.Conv3d(weight, session.Uniform([channels], -9, 9), padding: 1, measure: measure);
        AssertMeasured(y, measure);
        y.Detach().Fill(1);
        Assert.Null(y.Measured);
    }

    [Theory]
    [InlineData(Precision.Float32, false, 12), InlineData(Precision.BFloat16, false, 20)]
    [InlineData(Precision.TF32, true, 12), InlineData(Precision.BFloat16, true, 4)]
    public void So_does_one_as_large_as_its_stride(Precision precision, bool up, int channels)
    {
        var session = new Session(Devices[precision], seed: 9);
        using Scope scope = session.Scope();
        Tensor x = session.Uniform([2, 3, 5, 7, 8], -1, 2), bias = session.Uniform([channels], -9, 9);
        Tensor weight = session.Uniform(up ? [2, 2, 2, channels, 8] : [2, 2, 2, 8, channels], -0.4f, 0.4f);
        Assert.Null(Made(Measure.Samples).Measured);
        AssertMeasured(Made(Measure.Batch), Measure.Batch);

        Tensor Made(Measure measure) => up
            ? x.ConvTranspose3d(weight, bias, stride: 2, measure: measure)
            : x.Conv3d(weight, bias, stride: 2, measure: measure);
    }

    [Theory, InlineData(Measure.Batch), InlineData(Measure.Samples)]
    public void So_does_one_of_a_single_channel_as_large_as_its_stride(Measure measure)
    {
        var session = new Session(Devices[Precision.Float32], seed: 9);
        using Scope scope = session.Scope();
        Tensor y = session.Uniform([1, 8, 8, 8, 1]).Conv3d(
            session.Normal([4, 4, 4, 1, 16]), session.Uniform([16], -9, 9), stride: 4, measure: measure);
        AssertMeasured(y, measure);
    }

    /// <summary>Statistics of y against double precision, and that a norm takes them.</summary>
    static void AssertMeasured(Tensor y, Measure measure)
    {
        int channels = y.Size(^1), samples = measure == Measure.Batch ? 1 : y.Size(0);
        Session session = y.Session;
        var shape = new NormShape(y.Size(0), ChannelNorm.Spatial(y), channels, channels, measure == Measure.Batch);
        Tensor means = session.Empty([samples * channels]), variances = session.Empty([samples * channels]);
        IFusedNormalization fused = session.Device.FusedNormalization!;
        fused.Statistics(shape, y.Measured!.Moments.View, means.View, variances.View);
        float[] values = y.ToArray(), mean = means.ToArray(), variance = variances.ToArray();
        int voxels = values.Length / channels / samples;
        for (int statistic = 0; statistic < samples * channels; statistic++)
        {
            int first = statistic / channels * voxels * channels + statistic % channels;
            double[] column = [.. Enumerable.Range(0, voxels).Select(voxel => (double)values[first + voxel * channels])];
            double center = column.Average(), spread = column.Average(value => (value - center) * (value - center));
            Assert.Equal(center, mean[statistic], 1e-5 * (1 + Math.Abs(center)));
            Assert.Equal(spread, variance[statistic], 1e-5 * spread);
        }
        Tensor normalized = measure == Measure.Batch
            ? y.BatchNormTraining(null, null, activation: Activation.Relu)
            : y.InstanceNorm(activation: Activation.Relu);
        View constants = normalized.Deferred!.View.Constants;
        float[] numbers = new float[constants.Count];
        session.Device.Download<float>(constants, numbers);
        for (int sample = 0; sample < samples; sample++)
            Assert.Equal(mean[(sample * channels)..][..channels], numbers[(3 * sample * channels)..][..channels]);
    }

    [Theory, InlineData(3, 128, true), InlineData(3, 129, false), InlineData(5, 16, false)]
    public void A_first_layer_measures_with_narrow_kernels_and_few_channels(int width, int channels, bool measures)
    {
        var size = new Extent(4, 5, 9);
        var shape = new ConvolutionShape(
            2, size, 1, size, channels, new(3, 3, width), new(1, 1, 1), new(1, 1, width / 2));
        Assert.Equal(measures, Devices[Precision.Float32].FusedNormalization!.MeasuredBoxes(shape, acrossBatch: true) > 0);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_sum_takes_what_was_put_off_in_one_pass_and_the_same_bits_come_out(bool both)
    {
        var session = new Session(Devices[Precision.Float32], seed: 5);
        using Scope scope = session.Scope();
        Tensor scale = session.Uniform([8], 0.5f, 2), bias = session.Uniform([8]);
        Tensor x = Norm(session.Normal(Sizes), scale, bias, false), z = session.Normal(Sizes);
        if (both) z = Norm(z, bias, scale, false);
        Tensor sum = z + x;
        Assert.NotNull(x.Deferred);
        Assert.Equal(both, z.Deferred is not null);
        float[] ofX = x.ToArray(), ofZ = z.ToArray();
        Assert.Equal([.. ofX.Zip(ofZ, (a, b) => a + b)], sum.ToArray());
        Assert.Null(x.Deferred);
    }

    [Fact]
    public void What_was_put_off_is_what_it_would_have_been_at_once()
    {
        Device device = Devices[Precision.Float32];
        var session = new Session(device, seed: 7);
        using Scope scope = session.Scope();
        Tensor x = session.Normal(Sizes), scale = session.Uniform([8], 0.5f, 2), bias = session.Uniform([8]);
        Tensor y = Norm(x, scale, bias, true), atOnce = session.Empty(Sizes);
        var shape = NormShape.PerGroup(2, 3 * 5 * 9, 8, 8);
        Tensor mean = session.Empty([16]), variance = session.Empty([16]);
        device.Normalization.Statistics(shape, x.View, mean.View, variance.View);
        device.Normalization.Normalize(
            shape, 1e-5f, x.View, mean.View, variance.View, scale.View, bias.View, Activation.Relu, atOnce.View);
        Assert.NotNull(y.Deferred);
        scale.Fill(9);
        Assert.Null(y.Deferred);
        x.Fill(1);
        Assert.Equal(atOnce.ToArray(), y.ToArray());
    }

    [Theory, InlineData(Activation.Relu), InlineData(Activation.None)]
    public void Running_statistics_move_as_on_the_processor(Activation activation)
    {
        using var cpu = new CpuDevice(1);
        float[][][] runs = [.. ((Device[])[cpu, Devices[Precision.Float32]]).Select(device =>
        {
            var session = new Session(device, seed: 8);
            using Scope scope = session.Scope();
            Tensor mean = session.Zeros([8]), variance = session.Full([8], 1), batches = session.Full([], 6);
            session.Normal(Sizes, 1, 3).BatchNormTraining(
                null, null, mean, variance, activation: activation, batches: batches);
            return (float[][])[mean.ToArray(), variance.ToArray(), batches.ToArray()];
        })];
        Assert.Equal([7], runs[1][2]);
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < runs[0][i].Length; c++) Assert.Equal(runs[0][i][c], runs[1][i][c], 1e-5f);
    }

    [Fact]
    public void What_nobody_needs_takes_no_memory_and_leaves_none_behind()
    {
        using var device = new EmulatedDevice();
        var session = new Session(device);
        using (session.Scope()) Norm(session.Normal(Sizes), null, null, false);
        device.SmallWork = 0;
        using (session.Scope())
            session.Normal(Sizes).Conv3d(session.Normal([3, 3, 3, 8, 4]), padding: 1, measure: Measure.Batch);
        Assert.Equal(0, device.Pool.BytesInUse);
        using (session.Scope())
        {
            Tensor x = session.Normal(Sizes);
            long before = device.Pool.BytesInUse;
            Tensor y = Norm(x, null, null, false), alias = y.Reshape(y.Shape);
            Assert.InRange(device.Pool.BytesInUse - before, 1, x.Count * sizeof(float) - 1);
            Assert.Equal(y.ToArray(), alias.ToArray());
        }
        Assert.Equal(0, device.Pool.BytesInUse);
    }

    static Tensor Norm(Tensor x, Tensor? weight, Tensor? bias, bool eachSample) => eachSample
        ? x.InstanceNorm(weight, bias, activation: Activation.Relu)
        : x.BatchNormTraining(weight, bias, activation: Activation.Relu);
}
