using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-losses</c>: losses <c>out/NAME</c> of <c>in/logits</c> against <c>in/label</c>, or
/// <c>in/label_ignore</c> with pixels of class 255, which count for no class; gradients <c>grad/NAME</c>. The binary
/// losses of other programs are not compared.
/// </summary>
static class SamLossesParity
{
    const double Tolerance = 1e-6, GradientTolerance = 2e-6;

    const float Samed = 1e-5f, Release = 1e-10f;

    public static void Run(ParityRun run)
    {
        Tensor labels = run.File.Labels(run.Session, "in/label"), ignoring = run.File.Labels(run.Session, "in/label_ignore");
        Check("ce", x => x.CrossEntropy(labels));
        Check("ce_ignore255", x => x.CrossEntropy(ignoring));
        Check("dice_samed", x => x.DiceLoss(labels, Samed));
        Check("dice_1e-10_ignore255", x => x.DiceLoss(ignoring, Release));
        Check("half_half_samed_dice", x => (x.CrossEntropy(labels) + x.DiceLoss(labels, Samed)) * 0.5f);
        Check("samed_0.2ce_0.8dice", x => x.CrossEntropy(labels) * 0.2f + x.DiceLoss(labels, Samed) * 0.8f);
        Check("cfr_half_half_ignore255", x => (x.CrossEntropy(ignoring) + x.DiceLoss(ignoring, Release)) * 0.5f);

        void Check(string name, Func<Tensor, Tensor> compute)
        {
            if (!run.File.Has($"out/{name}")) return;
            Tensor logits = SamModule.Leaf(run, "in/logits", ReferenceLayout.ChannelsLast);
            Tensor loss = compute(logits);
            run.Output($"out/{name}", loss, Tolerance);
            if (!run.WithGradients) return;
            loss.Backward();
            run.Gradient($"grad/{name}", logits.Grad, GradientTolerance, ReferenceLayout.ChannelsLast);
        }
    }
}
