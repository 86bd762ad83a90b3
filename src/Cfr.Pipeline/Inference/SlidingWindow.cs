using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Inference;

/// <summary>
/// Segments a scan of any size with a network of a fixed input size: overlapping windows, softmax in float32, the mean of
/// all windows that meet a voxel, arg-max. Axes shorter than the patch are padded with zeros on both sides. The same
/// routine as in the published semi-supervised programs (Yu et al., "Uncertainty-aware self-ensembling model", 2019). The
/// scan goes to the device once and its labels come back; windows are cut out and added up there.
/// </summary>
/// <param name="Patch">Size of a window.</param>
/// <param name="Stride">From one window to the next.</param>
public sealed record SlidingWindow(GridSize Patch, GridSize Stride)
{
    /// <summary>Voxels near a window's centre count more than those near its border.</summary>
    public bool Gaussian { get; init; }

    /// <summary>
    /// Axes (0, 1, 2) along which windows are also seen mirrored; all combinations are averaged, 2^n passes a window.
    /// </summary>
    public IReadOnlyList<int> MirrorAxes { get; init; } = [];

    /// <summary>Windows that the network sees at once.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Number of windows for a scan of this size.</summary>
    public int Windows(GridSize size) => Axes(size) is var (x, y, z)
        ? x.Starts.Length * y.Starts.Length * z.Starts.Length : 0;

    /// <summary>Segments a scan.</summary>
    /// <param name="session">Where the network lives.</param>
    /// <param name="network">
    /// From <c>[N, D, H, W, 1]</c> to logits <c>[N, D, H, W, K]</c>, in evaluation mode. With K = 1 the logit is that of
    /// the foreground alone (sigmoid, above 0.5).
    /// </param>
    /// <param name="scan">The scan, normalised as the network expects it.</param>
    /// <param name="keepProbabilities">Keep the class maps, not only the labels.</param>
    /// <param name="progress">Told the number of windows done and of all windows.</param>
    /// <exception cref="ArgumentException">Settings make no sense, or the network's result has another size.</exception>
    public Prediction Predict(
        Session session, Func<Tensor, Tensor> network, Volume scan, bool keepProbabilities = false,
        Action<int, int>? progress = null)
    {
        Check(scan.Size);
        var (x, y, z) = Axes(scan.Size);
        (int X, int Y, int Z)[] starts =
            [.. from i in x.Starts from j in y.Starts from k in z.Starts select (i, j, k)];
        using Scope whole = session.Scope();
        using Session.GradMode inference = session.NoGrad();
        Tensor grid = session.Tensor(scan.Voxels, [scan.Size.X, scan.Size.Y, scan.Size.Z, 1]);
        var weights = new WindowWeights(Patch, Gaussian);
        WindowSum? sum = null;
        int classes = 0, done = 0;
        foreach ((int X, int Y, int Z)[] batch in starts.Chunk(Batch))
        {
            using (Scope step = session.Scope())
            {
                Tensor probabilities = Probabilities(network, session.Boxes([.. batch.Select(start => (grid, Box(start)))]));
                classes = probabilities.Size(^1);
                sum ??= new WindowSum(
                    session, step, (x, y, z), weights, classes, 1 << MirrorAxes.Count, keepProbabilities);
                for (int i = 0; i < batch.Length; i++)
                    sum.Add(batch[i], probabilities.Slice(0, i, 1).Reshape(Patch.X, Patch.Y, Patch.Z, classes));
            }
            done += batch.Length;
            progress?.Invoke(done, starts.Length);
        }
        return new Prediction(new LabelMap(scan.Geometry, sum!.Labels()), classes, sum.Planes);

        GridBox Box((int X, int Y, int Z) start) => new(
            new(0, start.X, 1, Patch.X), new(1, start.Y, 1, Patch.Y), new(2, start.Z, 1, Patch.Z));
    }

    /// <summary>The sum of the probabilities over all mirrorings.</summary>
    Tensor Probabilities(Func<Tensor, Tensor> network, Tensor patches)
    {
        Tensor? sum = null;
        for (int mirroring = 0; mirroring < 1 << MirrorAxes.Count; mirroring++)
        {
            using Scope scope = patches.Session.Scope();
            Index[] axes = [.. MirrorAxes.Where((_, i) => (mirroring >> i & 1) != 0).Select(axis => new Index(axis + 1))];
            Tensor logits = network(axes.Length == 0 ? patches : patches.Flip(axes));
            if (logits.Rank != 5 || logits.Shape[..4] != patches.Shape[..4])
                throw new ArgumentException(
                    $"the network makes {logits.Shape} of a window {patches.Shape}; expected one result for each voxel");
            Tensor probabilities = logits.Size(^1) == 1 ? logits.Sigmoid() : logits.Softmax();
            if (axes.Length > 0) probabilities = probabilities.Flip(axes);
            sum = scope.Return(sum is null ? probabilities : sum + probabilities);
        }
        return sum!;
    }

    (WindowAxis X, WindowAxis Y, WindowAxis Z) Axes(GridSize size) =>
        (new(size.X, Patch.X, Stride.X), new(size.Y, Patch.Y, Stride.Y), new(size.Z, Patch.Z, Stride.Z));

    void Check(GridSize size)
    {
        if (Math.Min(Patch.X, Math.Min(Patch.Y, Patch.Z)) < 1) throw new ArgumentException($"the patch is {Patch}; expected at least 1x1x1");
        if (Math.Min(Stride.X, Math.Min(Stride.Y, Stride.Z)) < 1) throw new ArgumentException($"the stride is {Stride}; expected at least 1x1x1");
        if (Stride.X > Patch.X || Stride.Y > Patch.Y || Stride.Z > Patch.Z)
            throw new ArgumentException($"the stride {Stride} is larger than the patch {Patch}: windows would leave gaps");
        if (Batch < 1) throw new ArgumentException($"the batch is {Batch}; expected at least 1");
        if (MirrorAxes.Distinct().Count() != MirrorAxes.Count || MirrorAxes.Any(axis => axis is < 0 or > 2))
            throw new ArgumentException(
                $"windows are to be mirrored along axes {string.Join(", ", MirrorAxes)}; expected some of 0, 1, 2");
        if (size.Voxels == 0) throw new ArgumentException($"the scan is {size}; there is nothing to segment");
    }
}
