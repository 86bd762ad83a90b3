using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// What the kinds of networks share: a network of the file's size whose weights are stored as <c>w.*</c> or generated, its
/// input <c>x</c> and <c>label</c>, and the comparison of a training pass.
/// </summary>
sealed class NetworkParity<T> where T : Segmenter
{
    public const double LogitTolerance = 1e-4;

    const double LossTolerance = 1e-5, GradientTolerance = 1e-3, BufferTolerance = 1e-5;

    const string StoredWeights = "w.";

    readonly ParityRun _run;
    readonly double _zero;

    /// <summary>Builds the network.</summary>
    /// <param name="run">The file and the session.</param>
    /// <param name="configuration">What it is, but for its normalisation.</param>
    /// <param name="zero">
    /// The largest gradient of a bias before a norm: such a bias has no effect, and only rounding is left.
    /// </param>
    public NetworkParity(ParityRun run, NetworkConfiguration configuration, double zero = 1e-6)
    {
        (_run, _zero) = (run, zero);
        if (run.File.Says("normalization"))
            configuration = configuration with { Normalization = NormalizationOf(run.File) };
        Network = (T)configuration.Create(new Weights(run.Session, seed: 0));
        Restore();
    }

    public T Network { get; }

    /// <summary>The input, [N, C, X, Y, Z] in the file; generated where only its shape is known from a result.</summary>
    public Tensor Input(string result)
    {
        if (_run.File.Has("x")) return _run.File.Tensor(_run.Session, "x", ReferenceLayout.ChannelsLast);
        int[] sizes = [.. _run.File.Shape(result)];
        Shape shape = [sizes[0], 1, .. sizes[2..]];
        Tensor there = _run.Session.Tensor(Generator.Signed("input", _run.File.Seed, shape.Count), shape);
        return ReferenceFile.Here(there, ReferenceLayout.ChannelsLast);
    }

    /// <summary>Sets all weights and buffers to their first values.</summary>
    public void Restore()
    {
        bool isStored = _run.File.Names.Any(name => name.StartsWith(StoredWeights, StringComparison.Ordinal));
        if (!isStored) Generator.Fill(Network.Weights, _run.File.Seed);
        foreach (Weight weight in isStored ? Network.Weights.All : [])
        {
            string name = StoredWeights + weight.Name;
            if (!_run.File.Has(name)) throw _run.File.Bad($"stores weights, but not '{name}'");
            if (_run.File.Shape(name) != weight.FileShape)
                throw _run.File.Bad($"'{name}' is {_run.File.Shape(name)}; expected {weight.FileShape}");
            weight.SetAsInFile(_run.File.Floats(name));
        }
    }

    /// <summary>
    /// A pass in training mode: logits; loss = (CE + Dice) / 2, Dice of the foreground alone if there are two classes and
    /// the file is of <paramref name="foreground"/> losses, of all classes otherwise; gradients of all parameters.
    /// </summary>
    public void CheckTraining(string prefix, Func<Tensor, Tensor> forward, bool foreground)
    {
        if (!_run.File.Has($"{prefix}.logits")) return;
        using Scope step = _run.Session.Step();
        Network.Weights.Training = true;
        using Session.GradMode? mode = _run.WithGradients ? null : _run.Session.NoGrad();
        Tensor logits = forward(Input($"{prefix}.logits"));
        _run.Output($"{prefix}.logits", logits, LogitTolerance, ReferenceLayout.ChannelsLast);
        if (!_run.File.Has($"{prefix}.loss")) return;
        Tensor labels = _run.File.Labels(_run.Session, "label");
        var losses = logits.SegmentationLoss(labels, firstClass: foreground && logits.Size(^1) == 2 ? 1 : 0);
        _run.Output($"{prefix}.loss_ce", losses.CrossEntropy, LossTolerance);
        _run.Output($"{prefix}.loss_dice", losses.Dice, LossTolerance);
        _run.Output($"{prefix}.loss", losses.Total, LossTolerance);
        if (!_run.WithGradients) return;
        losses.Total.Backward();
        foreach (Weight weight in Network.Weights.Parameters) CheckGradient(prefix, weight);
        foreach (Weight weight in Network.Weights.Parameters) weight.Tensor.ClearGrad();
    }

    /// <summary>Running statistics after a training pass: <c>PREFIX.NAME</c>.</summary>
    public void CheckBuffers(string prefix)
    {
        foreach (Weight buffer in Network.Weights.All.Where(weight => !weight.IsParameter))
            _run.Output($"{prefix}.{buffer.Name}", buffer.Tensor, BufferTolerance);
    }

    /// <summary>A pass in evaluation mode: outputs as a whole, or sampled.</summary>
    public void CheckEvaluation(Func<Tensor, (string Name, Tensor Output)[]> forward, string first)
    {
        string shapeOf = _run.File.Has($"eval.{first}") ? $"eval.{first}" : "x";
        if (!_run.File.Has(shapeOf)) return;
        using Scope step = _run.Session.Step();
        using var inference = _run.Session.NoGrad();
        Network.Weights.Training = false;
        foreach (var (name, output) in forward(Input(shapeOf)))
        {
            float[] got = ReferenceFile.There(output, ReferenceLayout.ChannelsLast).ToArray();
            if (_run.File.Has($"eval.{name}")) _run.Output($"eval.{name}", got, LogitTolerance);
            if (_run.File.Has($"eval.{name}.at")) CheckSamples($"eval.{name}", got);
        }
    }

    /// <summary>
    /// Labels may differ where two classes are as good as equal: the error is half the largest lead that a class has here
    /// over the one that the file names.
    /// </summary>
    public static void CheckLabels(ParityRun run, string name, Tensor probabilities, double tolerance)
    {
        if (!run.File.Has(name)) return;
        byte[] labels = run.File.Bytes(name);
        float[] values = probabilities.ToArray();
        int classes = values.Length / Math.Max(1, labels.Length);
        double lead = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> voxel = values.AsSpan(i * classes, classes);
            float best = 0;
            foreach (float value in voxel) best = Math.Max(best, value);
            lead = Math.Max(lead, labels[i] < classes ? (best - voxel[labels[i]]) / 2 : 1);
        }
        run.Add(name, ParityPart.Output, lead, tolerance);
    }

    void CheckSamples(string name, float[] got)
    {
        int[] indices = [.. _run.File.Values($"{name}.idx").Select(index => (int)index)];
        if (_run.File.Has($"{name}.shape")) _run.File.Values($"{name}.shape");
        if (indices.Any(index => index < 0 || index >= got.Length))
            throw _run.File.Bad($"'{name}.idx' leads out of the {got.Length} elements computed");
        _run.Output($"{name}.at", [.. indices.Select(index => got[index])], LogitTolerance);
        if (!_run.File.Has($"{name}.sum.f64")) return;
        // A sum of both signs may cancel: it is measured by the sum of magnitudes.
        double[] want = _run.File.Values($"{name}.sum.f64");
        double sum = got.Sum(value => (double)value), squares = got.Sum(value => (double)value * value);
        double magnitudes = got.Sum(value => Math.Abs((double)value));
        double error = Math.Max(Math.Abs(sum - want[0]) / magnitudes, Math.Abs(squares - want[1]) / want[1]);
        _run.Add($"{name}.sum.f64", ParityPart.Output, error, LogitTolerance);
    }

    void CheckGradient(string prefix, Weight weight)
    {
        string whole = $"{prefix}.grad.{weight.Name}", sampled = $"{prefix}.grad_at.{weight.Name}";
        string sums = $"{prefix}.gradsum.{weight.Name}.f64";
        if (!new[] { whole, sampled, sums }.Any(_run.File.Has)) return;
        if (weight.Tensor.Grad is not { } gradient)
            throw _run.File.Bad($"has a gradient of '{weight.Name}', which gets none here");
        float[] got = weight.AsInFile(gradient);
        bool isZero = IsBeforeNorm(weight);
        if (_run.File.Has(whole)) Check(whole, got, _run.File.Values(whole));
        if (_run.File.Has(sampled))
        {
            double[] indices = _run.File.Values($"{prefix}.grad_idx.{weight.Name}");
            Check(sampled, [.. indices.Select(index => got[(int)index])], _run.File.Values(sampled));
        }
        if (_run.File.Has(sums)) CheckSums(sums, got, isZero);

        void Check(string name, float[] values, double[] want)
        {
            if (isZero)
                _run.Add(name, ParityPart.Gradient, Largest(values), _zero, isAbsolute: true);
            else
                _run.Gradient(name, values, want, GradientTolerance);
        }
    }

    /// <summary>Sum, L2 norm and largest magnitude; the sum is measured by the sum of magnitudes.</summary>
    void CheckSums(string name, float[] got, bool isZero)
    {
        double[] want = _run.File.Values(name);
        if (isZero)
        {
            _run.Add(name, ParityPart.Gradient, Largest(got), _zero, isAbsolute: true);
            return;
        }
        double sum = got.Sum(value => (double)value), norm = Math.Sqrt(got.Sum(value => (double)value * value));
        double error = Math.Max(
            Math.Abs(sum - want[0]) / got.Sum(value => Math.Abs((double)value)),
            Math.Max(Math.Abs(norm - want[1]) / want[1], Math.Abs(Largest(got) - want[2]) / want[2]));
        _run.Add(name, ParityPart.Gradient, error, GradientTolerance);
    }

    static double Largest(float[] values) => values.Max(value => float.IsNaN(value) ? double.PositiveInfinity : Math.Abs(value));

    /// <summary>Biases of convolutions, but for heads, if there are norms.</summary>
    bool IsBeforeNorm(Weight weight)
    {
        if (Network.Configuration.UsedNormalization == Normalization.None) return false;
        string name = weight.Name;
        bool isHead = name.StartsWith("out_conv") || name.StartsWith("final") || name.StartsWith("dsv");
        if (isHead || !name.EndsWith(".bias")) return false;
        string kernel = name[..^"bias".Length] + "weight";
        return Network.Weights.All.First(other => other.Name == kernel).Layout == FileLayout.Kernel;
    }

    static Normalization NormalizationOf(ReferenceFile file) => file.Text("normalization") switch
    {
        "none" => Normalization.None,
        "batchnorm" or "batch" => Normalization.Batch,
        "groupnorm" or "group" => Normalization.Group,
        "instancenorm" or "instance" => Normalization.Instance,
        string other => throw file.Bad($"its metadata has normalization = '{other}'; expected none, batchnorm, groupnorm or instancenorm"),
    };
}
