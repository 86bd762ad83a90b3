using System.Text.Json;
using Cfr.Pipeline.Retraining;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// The groups of <c>ssl-losses</c> that are whole losses of semi-supervised methods: two labelled and two unlabelled
/// samples, <c>common/label</c>, the student's <c>GROUP/logits</c>, its gradient of <c>GROUP/loss</c> in
/// <c>GROUP/dlogits</c>, the teacher's logits, and every part of the loss. Iteration and weight stand in the metadata.
/// </summary>
static class SemiSupervisedLossesParity
{
    const double Tolerance = 1e-5, GradientTolerance = 1e-4;

    const float Ssl4Mis = 1e-5f, Cfr = 1e-10f;

    const int Labelled = 2, Iterations = 6000;

    static readonly Dictionary<string, Action<ParityRun, string, int, double>> Groups = new()
    {
        ["mt"] = MeanTeacherLoss,
        ["cfr_mt"] = CfrMeanTeacherLoss,
        ["acmt_ent"] = AmbiguityLoss,
        ["acmt_mu"] = UncertaintyLoss,
    };

    public static void Run(ParityRun run)
    {
        if (!run.File.Says("info")) return;
        using JsonDocument info = JsonDocument.Parse(run.File.Text("info"));
        foreach (var (group, check) in Groups)
        {
            if (!run.File.Has($"{group}/logits") || !info.RootElement.TryGetProperty(group, out JsonElement of)) continue;
            int iteration = of.GetProperty("iter").GetInt32();
            double weight = new ConsistencyConfiguration().Schedule.At(iteration);
            run.Output($"{group}: weight", [weight], [of.GetProperty("weight").GetDouble()], tolerance: 1e-12);
            check(run, group, iteration, weight);
        }
    }

    static void MeanTeacherLoss(ParityRun run, string group, int iteration, double weight)
    {
        TwoStreamBatch batch = Batch(run);
        Tensor logits = Student(run, group), target = Logits(run, $"{group}/teacher_logits_unlabeled").Softmax();
        SegmentationLosses supervised = Supervised(batch, logits, Ssl4Mis);
        run.Output($"{group}/loss_ce", supervised.CrossEntropy, Tolerance);
        run.Output($"{group}/loss_dice", supervised.Dice, Tolerance);
        Tensor consistency = MeanTeacher.Consistency(batch.Unlabelled(logits), target);
        Total(run, group, logits, new LossSum().Add("supervised", supervised.Total).Add("consistency", consistency, weight));
    }

    static void CfrMeanTeacherLoss(ParityRun run, string group, int iteration, double weight)
    {
        TwoStreamBatch batch = Batch(run);
        Tensor logits = Student(run, group), target = Logits(run, $"{group}/teacher_logits").Softmax();
        Tensor pseudoLabels = run.File.Labels(run.Session, $"{group}/pseudo_label");
        Total(run, group, logits, new LossSum()
            .Add("loss_sup", Supervised(batch, logits, Cfr).Total)
            .Add("loss_pl", batch.Unlabelled(logits).SegmentationLoss(pseudoLabels, smoothing: Cfr).Total)
            .Add("consistency_mean", MeanTeacher.Consistency(logits, target), weight));
    }

    static void AmbiguityLoss(ParityRun run, string group, int iteration, double weight)
    {
        TwoStreamBatch batch = Batch(run);
        Tensor logits = Student(run, group), unlabelled = batch.Unlabelled(logits);
        var ambiguity = new AmbiguityMask(new AcmtConfiguration(), Iterations);
        string threshold = $"{group}/threshold.f64";
        run.Output(threshold, [ambiguity.Threshold.At(iteration)], run.File.Values(threshold), 1e-12);
        Tensor p = unlabelled.Detach().Softmax();
        run.Output($"{group}/entropy", AmbiguityMask.Entropy(p) / MathF.Log(p.Size(^1)), Tolerance);
        Tensor mask = AmbiguityMask.Of(p, run.Session.Full([], ambiguity.Bound(iteration, p.Size(^1))));
        run.Output($"{group}/mask", mask.Expand(p.Shape), tolerance: 0, ReferenceLayout.ChannelsLast);
        Ambiguity(run, group, batch, logits, mask, countsClasses: true, weight);
    }

    static void UncertaintyLoss(ParityRun run, string group, int iteration, double weight)
    {
        TwoStreamBatch batch = Batch(run);
        Tensor logits = Student(run, group);
        var ambiguity = new AmbiguityMask(new AcmtConfiguration(AmbiguityKind.Uncertainty), Iterations);
        double nats = ambiguity.Threshold.At(iteration) * Math.Log(logits.Size(^1));
        run.Output($"{group}/threshold.f64", [nats], run.File.Values($"{group}/threshold.f64"), 1e-12);
        Tensor mean = MeanOfPasses(run, $"{group}/student_mc_logits");
        run.Output($"{group}/uncertainty", AmbiguityMask.Entropy(mean), Tolerance, ReferenceLayout.ChannelsLast);
        Tensor mask = AmbiguityMask.Of(mean, run.Session.Full([], ambiguity.Bound(iteration, mean.Size(^1))));
        run.Output($"{group}/mask", mask, tolerance: 0, ReferenceLayout.ChannelsLast);
        Ambiguity(run, group, batch, logits, mask, countsClasses: false, weight);
    }

    static void Ambiguity(
        ParityRun run, string group, TwoStreamBatch batch, Tensor logits, Tensor mask, bool countsClasses, double weight)
    {
        Tensor target = Logits(run, $"{group}/teacher_logits_noisy").Softmax();
        Tensor consistency = AmbiguityConsensus.Consistency(batch.Unlabelled(logits), target, mask, countsClasses);
        Total(run, group, logits, new LossSum()
            .Add("supervised", Supervised(batch, logits, Ssl4Mis).Total).Add("consistency", consistency, weight));
    }

    /// <summary>The mean over passes, each of which saw the unlabelled samples twice.</summary>
    static Tensor MeanOfPasses(ParityRun run, string name)
    {
        Shape shape = run.File.Shape(name);
        int samples = shape[1] / 2;
        Shape flat = [shape[0] * shape[1], .. shape[2..]], grouped = [shape[0] * 2, samples, .. shape[3..], shape[2]];
        Tensor logits = run.Session.Tensor(run.File.Floats(name), flat);
        return ReferenceFile.Here(logits, ReferenceLayout.ChannelsLast).Softmax().Reshape(grouped).Mean(0);
    }

    /// <summary>Parts, sum, and the sum's gradient.</summary>
    static void Total(ParityRun run, string group, Tensor logits, LossSum sum)
    {
        foreach (var (name, value) in sum.Losses.Parts) run.Output($"{group}/{name}", value, Tolerance);
        run.Output($"{group}/loss", sum.Losses.Total, Tolerance);
        if (!run.WithGradients) return;
        sum.Losses.Total.Backward();
        run.Gradient($"{group}/dlogits", logits.Grad, GradientTolerance, ReferenceLayout.ChannelsLast);
    }

    static SegmentationLosses Supervised(TwoStreamBatch batch, Tensor logits, float smoothing) =>
        batch.Labelled(logits).SegmentationLoss(batch.Labelled(batch.Labels), smoothing: smoothing);

    static TwoStreamBatch Batch(ParityRun run)
    {
        Tensor images = run.File.Tensor(run.Session, "common/image", ReferenceLayout.ChannelsLast);
        return new TwoStreamBatch(images, run.File.Labels(run.Session, "common/label"), Labelled);
    }

    static Tensor Student(ParityRun run, string group)
    {
        Tensor logits = Logits(run, $"{group}/logits");
        return run.WithGradients ? logits.WithGrad() : logits;
    }

    static Tensor Logits(ParityRun run, string name) => run.File.Tensor(run.Session, name, ReferenceLayout.ChannelsLast);
}
