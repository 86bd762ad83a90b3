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

    const int Nudges = 32;

    const double FirstNudge = 1e-7;

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
    /// A pass in training mode: logits; loss = (CE + Dice) / 2, Dice of the foreground alone if there are two classes;
    /// gradients of all parameters; running statistics after it, under the prefix <paramref name="buffers"/>.
    /// </summary>
    public void CheckTraining(string prefix, Func<Tensor, Tensor> forward, string? buffers = null)
    {
        if (!_run.File.Has($"{prefix}.logits")) return;
        using Session.GradMode? mode = _run.WithGradients ? null : _run.Session.NoGrad();
        Network.Weights.Training = true;
        using Scope step = _run.Session.Step();
        Tensor logits = forward(Input($"{prefix}.logits"));
        _run.Output($"{prefix}.logits", logits, LogitTolerance, ReferenceLayout.ChannelsLast);
        foreach (Weight buffer in Network.Weights.All.Where(weight => buffers is not null && !weight.IsParameter))
            _run.Output($"{buffers}.{buffer.Name}", buffer.Tensor, BufferTolerance);
        if (!_run.File.Has($"{prefix}.loss")) return;
        SegmentationLosses losses = Losses(logits);
        _run.Output($"{prefix}.loss_ce", losses.CrossEntropy, LossTolerance);
        _run.Output($"{prefix}.loss_dice", losses.Dice, LossTolerance);
        _run.Output($"{prefix}.loss", losses.Total, LossTolerance);
        if (_run.WithGradients) CheckGradients(prefix, losses.Total, forward);
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
            Tensor there = ReferenceFile.There(output, ReferenceLayout.ChannelsLast);
            float[] got = there.ToArray();
            _run.Output($"eval.{name}.shape", [.. there.Shape.Select(size => (float)size)], tolerance: 0);
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
        run.Add(new(name, ParityPart.Output, lead, tolerance));
    }

    void CheckSamples(string name, float[] got)
    {
        int[] indices = _run.File.Indices($"{name}.idx", got.Length);
        _run.Output($"{name}.at", [.. indices.Select(index => got[index])], LogitTolerance);
        if (!_run.File.Has($"{name}.sum.f64")) return;
        // A sum of both signs may cancel: it is measured by the sum of magnitudes.
        double[] want = _run.File.Values($"{name}.sum.f64");
        double sum = got.Sum(value => (double)value), squares = got.Sum(value => (double)value * value);
        double magnitudes = got.Sum(value => Math.Abs((double)value));
        double error = Math.Max(Math.Abs(sum - want[0]) / magnitudes, Math.Abs(squares - want[1]) / want[1]);
        _run.Add(new($"{name}.sum.f64", ParityPart.Output, error, LogitTolerance));
    }

    SegmentationLosses Losses(Tensor logits) => logits.SegmentationLoss(
        _run.File.Labels(_run.Session, "label"), firstClass: logits.Size(^1) == 2 ? 1 : 0);

    /// <summary>
    /// A gradient jumps where a number before a ReLU changes its sign, and float32 cannot tell the sign of a number next to
    /// 0: then the reference may stand on the other side. So gradients count as met if they are those of the network
    /// with weights moved by a few units of rounding (<see cref="Nudges"/>).
    /// </summary>
    void CheckGradients(string prefix, Tensor loss, Func<Tensor, Tensor> forward)
    {
        List<ParityCheck> best = Gradients(prefix, loss);
        for (int attempt = 1; attempt <= Nudges && best.Any(check => !check.Passes); attempt++)
        {
            double size = FirstNudge * Math.Pow(2, (attempt - 1) / 4.0);
            Restore();
            Nudge((ulong)attempt, size);
            using Scope step = _run.Session.Step();
            List<ParityCheck> moved = Gradients(prefix, Losses(forward(Input($"{prefix}.logits"))).Total);
            if (moved.Any(check => !check.Passes)) continue;
            best = moved;
            _run.Note($"{prefix}: gradients are met with weights moved by {size:0.0E-0} of their size; float32 cannot "
                + "tell the sign of a number before a ReLU");
        }
        foreach (ParityCheck check in best) _run.Add(check);
        Restore();
    }

    void Nudge(ulong seed, double size)
    {
        foreach (Weight weight in Network.Weights.Parameters)
        {
            float[] values = weight.Tensor.ToArray(), factors = Generator.Signed(weight.Name, seed, values.Length, size);
            for (int i = 0; i < values.Length; i++) values[i] *= 1 + factors[i];
            weight.Tensor.Set(values);
        }
    }

    List<ParityCheck> Gradients(string prefix, Tensor loss)
    {
        loss.Backward();
        var checks = new List<ParityCheck>();
        foreach (Weight weight in Network.Weights.Parameters)
        {
            CheckGradient(prefix, weight, checks);
            weight.Tensor.ClearGrad();
        }
        return checks;
    }

    void CheckGradient(string prefix, Weight weight, List<ParityCheck> checks)
    {
        string whole = $"{prefix}.grad.{weight.Name}", sampled = $"{prefix}.grad_at.{weight.Name}";
        string sums = $"{prefix}.gradsum.{weight.Name}.f64";
        if (!new[] { whole, sampled, sums }.Any(_run.File.Has)) return;
        if (weight.Tensor.Grad is not { } gradient)
            throw _run.File.Bad($"has a gradient of '{weight.Name}', which gets none here");
        float[] got = weight.AsInFile(gradient);
        bool isZero = IsBeforeNorm(weight);
        if (_run.File.Has(whole)) Check(whole, want => _run.Error(whole, got, want));
        if (_run.File.Has(sampled))
        {
            int[] indices = _run.File.Indices($"{prefix}.grad_idx.{weight.Name}", got.Length);
            Check(sampled, want => _run.Error(sampled, [.. indices.Select(index => got[index])], want));
        }
        if (_run.File.Has(sums)) Check(sums, want => SumsError(got, want));

        void Check(string name, Func<double[], double> error)
        {
            double[] want = _run.File.Values(name);
            checks.Add(isZero
                ? new(name, ParityPart.Gradient, Largest(got), _zero, IsAbsolute: true)
                : new(name, ParityPart.Gradient, error(want), GradientTolerance));
        }
    }

    /// <summary>Sum, L2 norm and largest magnitude; the sum is measured by the sum of magnitudes.</summary>
    static double SumsError(float[] got, double[] want)
    {
        double sum = got.Sum(value => (double)value), norm = Math.Sqrt(got.Sum(value => (double)value * value));
        return Math.Max(
            Math.Abs(sum - want[0]) / got.Sum(value => Math.Abs((double)value)),
            Math.Max(Math.Abs(norm - want[1]) / want[1], Math.Abs(Largest(got) - want[2]) / want[2]));
    }

    static double Largest(float[] values) =>
        values.Max(value => float.IsNaN(value) ? double.PositiveInfinity : Math.Abs(value));

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
