using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>ssl-losses</c>: losses of logits <c>GROUP/logits</c>, each as a value <c>GROUP/LOSS</c> and its gradient
/// <c>GROUP/LOSS.dlogits</c>. The supervised losses and the consistency of two predictions of the groups
/// <c>basic..</c> are compared.
/// </summary>
static class LossesParity
{
    const double Tolerance = 1e-5, GradientTolerance = 1e-4;

    const string Label = "label", LabelIgnoring = "label_with_ignore255";

    static readonly (string Loss, string Label, Func<Tensor, Tensor, Tensor> Compute)[] Supervised =
    [
        ("ce_mean", Label, (logits, labels) => logits.CrossEntropy(labels)),
        ("ce_ignore255", LabelIgnoring, (logits, labels) => logits.CrossEntropy(labels)),
        ("dice_multiclass_smooth1e-5", Label, (logits, labels) => logits.DiceLoss(labels, 1e-5f)),
        ("dice_multiclass_smooth1e-10", Label, (logits, labels) => logits.DiceLoss(labels, 1e-10f)),
        ("dice_fg1_squared_smooth1e-5", Label, Foreground),
    ];

    public static void Run(ParityRun run)
    {
        SemiSupervisedLossesParity.Run(run);
        foreach (string group in run.File.Names.Select(name => name.Split('/')[0]).Distinct())
        {
            if (!group.StartsWith("basic")) continue;
            foreach (var (loss, label, compute) in Supervised)
            {
                if (!run.File.Has($"{group}/{label}")) continue;
                Tensor labels = run.File.Labels(run.Session, $"{group}/{label}");
                Check(run, group, loss, logits => compute(logits, labels));
            }
            if (!run.File.Has($"{group}/logits_target")) continue;
            Tensor target = run.File.Tensor(run.Session, $"{group}/logits_target", ReferenceLayout.ChannelsLast).Softmax();
            Check(run, group, "mse_softmax_mean", logits => (logits.Softmax() - target).Square().Mean());
            Tensor each = run.File.Tensor(run.Session, $"{group}/logits", ReferenceLayout.ChannelsLast).Softmax();
            run.Output($"{group}/softmax_mse_elementwise", (each - target).Square(), Tolerance, ReferenceLayout.ChannelsLast);
        }
    }

    static void Check(ParityRun run, string group, string name, Func<Tensor, Tensor> compute)
    {
        if (!run.File.Has($"{group}/{name}")) return;
        Tensor logits = run.File.Tensor(run.Session, $"{group}/logits", ReferenceLayout.ChannelsLast);
        if (run.WithGradients) logits.WithGrad();
        Tensor loss = compute(logits);
        run.Output($"{group}/{name}", loss, Tolerance);
        if (!run.WithGradients) return;
        loss.Backward();
        run.Gradient($"{group}/{name}.dlogits", logits.Grad, GradientTolerance, ReferenceLayout.ChannelsLast);
    }

    /// <summary>The Dice loss of class 1 alone.</summary>
    static Tensor Foreground(Tensor logits, Tensor labels)
    {
        const float smoothing = 1e-5f;
        if (logits.Size(^1) == 2) return logits.DiceLoss(labels, smoothing, firstClass: 1);
        Session session = logits.Session;
        Tensor p = logits.Softmax().Slice(^1, 1, 1).Reshape(labels.Shape);
        Tensor y = session.Tensor([.. labels.ToIntArray().Select(label => label == 1 ? 1f : 0)], labels.Shape);
        return 1 - ((p * y).Sum() * 2 + smoothing) / (p.Square().Sum() + y.Sum() + smoothing);
    }
}
