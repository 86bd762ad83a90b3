using Cfr.Kernels;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Inference;

public sealed class SlidingWindowTests : IDisposable
{
    const double Tolerance = 2e-6;

    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public SlidingWindowTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    public static TheoryData<GridSize, GridSize, GridSize, bool, int[], int> Settings => new()
    {
        { new(9, 8, 7), new(4, 4, 4), new(2, 3, 4), false, [], 1 },
        { new(9, 8, 7), new(4, 4, 4), new(2, 3, 4), true, [], 1 },
        { new(9, 8, 7), new(5, 3, 4), new(2, 3, 1), false, [], 4 },
        { new(3, 8, 2), new(6, 4, 5), new(2, 1, 5), false, [], 1 },
        { new(3, 8, 2), new(6, 4, 5), new(2, 1, 5), true, [0, 2], 3 },
        { new(4, 4, 4), new(4, 4, 4), new(4, 4, 4), false, [0, 1, 2], 1 },
        { new(1, 1, 1), new(2, 3, 4), new(1, 1, 1), false, [1], 2 },
    };

    [Theory, MemberData(nameof(Settings))]
    public void Windows_are_padded_placed_weighted_and_averaged_as_defined(
        GridSize size, GridSize patch, GridSize stride, bool gaussian, int[] mirrorAxes, int batch)
    {
        const int classes = 3;
        Volume scan = Scan(size);
        var window = new SlidingWindow(patch, stride) { Gaussian = gaussian, MirrorAxes = mirrorAxes, Batch = batch };
        Prediction got = window.Predict(_session, Network(patch, classes), scan, keepProbabilities: true);

        double[,,,] want = Reference(scan, patch, stride, gaussian, mirrorAxes, classes);
        double worst = 0;
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
                for (int z = 0; z < size.Z; z++)
                    for (int c = 0; c < classes; c++)
                        worst = Math.Max(worst, Math.Abs(got.Probability(c)[x, y, z] - want[x, y, z, c]));
        Assert.True(worst < Tolerance, $"worst error {worst:E1}");

        LabelMap alone = window.Predict(_session, Network(patch, classes), scan).Labels;
        Assert.Equal(got.Labels.Voxels, alone.Voxels);
        Volume[] maps = [.. Enumerable.Range(0, classes).Select(got.Probability)];
        for (int i = 0; i < alone.Voxels.Length; i++)
        {
            float[] voxel = [.. maps.Select(map => map.Voxels[i])];
            Assert.Equal(Array.IndexOf(voxel, voxel.Max()), alone.Voxels[i]);
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("emulated")]
    [InlineData("cuda")]
    public void A_device_adds_up_windows_in_the_order_of_the_host(string name)
    {
        const int classes = 2;
        GridSize size = new(7, 5, 6), patch = new(4, 4, 4);
        Volume scan = Scan(size);
        using Device device = TestGpu.Open(name);
        var session = new Session(device);
        foreach (bool gaussian in (bool[])[false, true])
        {
            var window = new SlidingWindow(patch, new(2, 3, 4)) { Gaussian = gaussian, Batch = 3 };
            Prediction got = window.Predict(session, x => x.Concat(^1, x * -2), scan, keepProbabilities: true);
            Assert.Equal(OnHost(scan, window, gaussian), got.Probabilities());
        }

        // Sums in float32, window after window, and one division: what any device must give to the bit.
        float[] OnHost(Volume scan, SlidingWindow window, bool gaussian)
        {
            WindowAxis x = new(size.X, 4, 2), y = new(size.Y, 4, 3), z = new(size.Z, 4, 4);
            var weights = new WindowWeights(patch, gaussian);
            float[] sum = new float[size.Voxels * classes], sumX = x.Sum(weights.X), sumY = y.Sum(weights.Y), sumZ = z.Sum(weights.Z);
            foreach (int i in x.Starts)
                foreach (int j in y.Starts)
                    foreach (int k in z.Starts)
                    {
                        float[] patchOf = [.. from a in Enumerable.Range(i, 4) from b in Enumerable.Range(j, 4) from c in Enumerable.Range(k, 4) select scan[a, b, c]];
                        Tensor input = session.Tensor(patchOf, [1, 4, 4, 4, 1]);
                        float[] found = input.Concat(^1, input * -2).Softmax().ToArray();
                        for (int v = 0; v < 64; v++)
                        {
                            (int a, int b, int c) = (v / 16, v / 4 % 4, v % 4);
                            float weight = weights.X[a] * weights.Y[b] * weights.Z[c];
                            int at = ((i + a) * size.Y + j + b) * size.Z + k + c;
                            for (int n = 0; n < classes; n++) sum[at * classes + n] += found[v * classes + n] * weight;
                        }
                    }
            for (int at = 0; at < sum.Length; at++)
            {
                int voxel = at / classes;
                sum[at] /= sumX[voxel / size.Z / size.Y] * sumY[voxel / size.Z % size.Y] * sumZ[voxel % size.Z];
            }
            return sum;
        }
    }

    [Fact]
    public void Of_equally_probable_classes_the_first_wins()
    {
        var window = new SlidingWindow(new(2, 2, 2), new(1, 1, 1));
        Prediction got = window.Predict(_session, x => _session.Zeros(x.Shape.With(^1, 4)), Scan(new(3, 3, 3)));
        Assert.All(got.Labels.Voxels, label => Assert.Equal(0, label));
    }

    [Fact]
    public void A_single_channel_is_a_sigmoid_that_must_exceed_one_half()
    {
        var scan = new Volume(Geometry.Unit(new(1, 1, 3)), [-1, 0, 1]);
        Prediction got = new SlidingWindow(new(1, 1, 3), new(1, 1, 1)).Predict(_session, x => x * 2, scan, keepProbabilities: true);
        Assert.Equal([0, 0, 1], got.Labels.Voxels);
        Assert.Equal(1 / (1 + Math.Exp(-2)), got.Probability(0).Voxels[2], 1e-6);
    }

    [Theory]
    [InlineData(190, 142, 88, 54), InlineData(244, 160, 88, 108)]
    public void A_left_atrium_takes_as_many_windows_as_published(int x, int y, int z, int windows) =>
        Assert.Equal(windows, new SlidingWindow(new(112, 112, 80), new(18, 18, 4)).Windows(new(x, y, z)));

    [Fact]
    public void Settings_that_make_no_sense_are_named()
    {
        Refused(new(new(4, 4, 4), new(5, 4, 4)), "the stride 5x4x4 is larger than the patch 4x4x4: windows would leave gaps");
        Refused(new(new(4, 4, 0), new(1, 1, 1)), "the patch is 4x4x0; expected at least 1x1x1");
        Refused(new(new(4, 4, 4), new(1, 0, 1)), "the stride is 1x0x1; expected at least 1x1x1");
        Refused(new(new(4, 4, 4), new(1, 1, 1)) { Batch = 0 }, "the batch is 0; expected at least 1");
        Refused(new(new(4, 4, 4), new(1, 1, 1)) { MirrorAxes = [3] },
            "windows are to be mirrored along axes 3; expected some of 0, 1, 2");

        void Refused(SlidingWindow window, string message) => Assert.Equal(
            message, Assert.Throws<ArgumentException>(() => window.Predict(_session, x => x, Scan(new(5, 5, 5)))).Message);
    }

    [Fact]
    public void A_network_that_changes_the_size_is_refused()
    {
        var window = new SlidingWindow(new(4, 4, 4), new(1, 1, 1));
        Assert.Throws<ArgumentException>(() => window.Predict(_session, x => x.Slice(1, 0, 2), Scan(new(5, 5, 5))));
    }

    /// <summary>
    /// Logits that depend on the intensity and on the place in the window, so that a window misplaced or mirrored the
    /// wrong way shows: x a_c + b_c(i, j, k).
    /// </summary>
    Func<Tensor, Tensor> Network(GridSize patch, int classes)
    {
        float[] place = new float[patch.Voxels * classes], slope = new float[classes];
        for (int i = 0; i < place.Length; i++) place[i] = (float)Place(i / classes, i % classes);
        for (int c = 0; c < classes; c++) slope[c] = Slope(c);
        return x => x.Linear(_session.Tensor(slope, [classes, 1]))
            + _session.Tensor(place, [patch.X, patch.Y, patch.Z, classes]);
    }

    static double Place(int voxel, int c) => Math.Sin(voxel * (c + 1.3));

    static float Slope(int c) => 0.7f * c - 0.5f;

    static Volume Scan(GridSize size) => new(
        Geometry.Unit(size), [.. Enumerable.Range(0, (int)size.Voxels).Select(i => (float)Math.Cos(i * 1.7))]);

    /// <summary>The definition, step by step and in double: pad, loop, add up, divide, crop.</summary>
    static double[,,,] Reference(
        Volume scan, GridSize patch, GridSize stride, bool gaussian, int[] mirrorAxes, int classes)
    {
        int[] size = [scan.Size.X, scan.Size.Y, scan.Size.Z], p = [patch.X, patch.Y, patch.Z], s = [stride.X, stride.Y, stride.Z];
        int[] missing = [.. size.Zip(p, (n, m) => Math.Max(m - n, 0))], left = [.. missing.Select(m => m / 2)];
        int[] padded = [.. size.Zip(missing, (n, m) => n + m)];
        int[] windows = [.. Enumerable.Range(0, 3).Select(a => (int)Math.Ceiling((padded[a] - p[a]) / (double)s[a]) + 1)];
        var sum = new double[padded[0], padded[1], padded[2], classes];
        var total = new double[padded[0], padded[1], padded[2]];
        foreach (int wx in Enumerable.Range(0, windows[0]))
            foreach (int wy in Enumerable.Range(0, windows[1]))
                foreach (int wz in Enumerable.Range(0, windows[2]))
                {
                    int[] w = [wx, wy, wz], start = [.. Enumerable.Range(0, 3).Select(a => Math.Min(w[a] * s[a], padded[a] - p[a]))];
                    for (int voxel = 0; voxel < patch.Voxels; voxel++)
                    {
                        int[] at = [voxel / (p[1] * p[2]), voxel / p[2] % p[1], voxel % p[2]];
                        int[] to = [.. at.Zip(start, (i, b) => i + b)];
                        double weight = 1;
                        for (int a = 0; gaussian && a < 3; a++)
                            weight *= Math.Exp(-Math.Pow((at[a] - (p[a] - 1) / 2.0) / (p[a] / 8.0), 2) / 2);
                        for (int mirroring = 0; mirroring < 1 << mirrorAxes.Length; mirroring++)
                        {
                            int[] seen = [.. at];
                            for (int m = 0; m < mirrorAxes.Length; m++)
                                if ((mirroring >> m & 1) != 0) seen[mirrorAxes[m]] = p[mirrorAxes[m]] - 1 - at[mirrorAxes[m]];
                            int place = (seen[0] * p[1] + seen[1]) * p[2] + seen[2];
                            double[] logits = [.. Enumerable.Range(0, classes).Select(c => Slope(c) * Value(to) + Place(place, c))];
                            double all = logits.Sum(Math.Exp);
                            for (int c = 0; c < classes; c++) sum[to[0], to[1], to[2], c] += weight * Math.Exp(logits[c]) / all;
                            total[to[0], to[1], to[2]] += weight;
                        }
                    }
                }
        var mean = new double[size[0], size[1], size[2], classes];
        for (int x = 0; x < size[0]; x++)
            for (int y = 0; y < size[1]; y++)
                for (int z = 0; z < size[2]; z++)
                    for (int c = 0; c < classes; c++)
                        mean[x, y, z, c] = sum[x + left[0], y + left[1], z + left[2], c] / total[x + left[0], y + left[1], z + left[2]];
        return mean;

        double Value(int[] at)
        {
            int x = at[0] - left[0], y = at[1] - left[1], z = at[2] - left[2];
            bool inside = x >= 0 && y >= 0 && z >= 0 && x < size[0] && y < size[1] && z < size[2];
            return inside ? scan[x, y, z] : 0;
        }
    }
}
