using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>Labelled patches followed by unlabelled ones, on the device.</summary>
/// <param name="Images"><c>[N, D, H, W, 1]</c>, N = labelled + unlabelled.</param>
/// <param name="Labels"><c>[N, D, H, W]</c>, of which the unlabelled part says nothing.</param>
/// <param name="LabelledCount">How many are labelled.</param>
/// <param name="PseudoLabels"><c>[N - LabelledCount, D, H, W]</c>; null without.</param>
/// <param name="Numbers">What the iteration decides, <c>[n]</c>; null without.</param>
public sealed record TwoStreamBatch(
    Tensor Images, Tensor Labels, int LabelledCount, Tensor? PseudoLabels = null, Tensor? Numbers = null)
{
    /// <summary>One of the iteration's numbers, a scalar.</summary>
    public Tensor Number(int index) => Numbers!.Slice(0, index, 1).Reshape();

    /// <summary>The part of something <c>[N, ..]</c> that belongs to labelled patches.</summary>
    public Tensor Labelled(Tensor all) => all.Slice(0, 0, LabelledCount);

    /// <summary>The part of something <c>[N, ..]</c> that belongs to unlabelled patches.</summary>
    public Tensor Unlabelled(Tensor all) => all.Slice(0, LabelledCount, all.Size(0) - LabelledCount);
}
