namespace Cfr.Kernels.Profiling;

/// <summary><see cref="ILosses"/> with its time and cost noted.</summary>
sealed class ProfiledLosses(ILosses losses, Profiler profiler) : ILosses
{
    public void SegmentationForward(SegmentationLossShape shape, View logits, View labels, View values, View sums)
    {
        using (profiler.Call("segmentation loss forward", Sizes(shape), 0, View.Bytes(logits, labels, values, sums)))
            losses.SegmentationForward(shape, logits, labels, values, sums);
    }

    public void SegmentationBackward(
        SegmentationLossShape shape, View logits, View labels, View sums, View dLoss, View dLogits)
    {
        double bytes = View.Bytes(logits, labels, sums, dLoss, dLogits);
        using (profiler.Call("segmentation loss backward", Sizes(shape), 0, bytes))
            losses.SegmentationBackward(shape, logits, labels, sums, dLoss, dLogits);
    }

    static string Sizes(SegmentationLossShape s) => $"{s.Rows}x{s.Classes}";
}
