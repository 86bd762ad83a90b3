using Cfr.Models;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sliding-window</c>: a V-Net with generated weights (<c>weights_seed</c>, <c>n_filters</c>, <c>n_classes</c>)
/// over a generated volume; the probability of class 1 and the labels are compared.
/// </summary>
static class SlidingWindowParity
{
    const double Tolerance = 1e-4;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        int[] size = file.Triple("volume"), patch = file.Triple("patch");
        int xy = file.Integer("stride_xy"), z = file.Integer("stride_z");
        var grid = new GridSize(size[0], size[1], size[2]);
        var window = new SlidingWindow(new GridSize(patch[0], patch[1], patch[2]), new GridSize(xy, xy, z));
        if (file.Says("windows"))
            run.Output("windows", [window.Windows(grid)], [file.Integer("windows")], 0);

        float[] voxels = file.Has("volume")
            ? file.Floats("volume")
            : Generator.Signed("volume", file.Seed, grid.Voxels);
        run.Output("volume_first64", voxels.AsSpan(0, Math.Min(64, voxels.Length)), Tolerance);

        var weights = new Weights(run.Session, seed: 0);
        Segmenter network = new NetworkConfiguration(Architecture.VNet, file.Integer("n_filters"), Classes(file)).Create(weights);
        Generator.Fill(weights, (ulong)file.Integer("weights_seed"));
        weights.Training = false;
        Prediction got = window.Predict(
            run.Session, x => network.Forward(x), new Volume(Geometry.Unit(grid), voxels), keepProbabilities: true);
        run.Output("prob_class1", got.Probability(1).Voxels, Tolerance);
        NetworkParity<VNet>.CheckLabels(run, "label", run.Session.Tensor(got.Probabilities(), [.. size, got.Classes]), Tolerance);
    }

    /// <summary>As the metadata says; else those that the labels show.</summary>
    static int Classes(ReferenceFile file) =>
        file.Says("n_classes") ? file.Integer("n_classes") : Math.Max(2, file.Values("label").Max() is var last ? (int)last + 1 : 2);
}
