using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>All that changes from one training step to the next, on the device: what a step does with it is always the same.</summary>
/// <param name="Images">Patches or canvases.</param>
/// <param name="Labels">Their classes.</param>
/// <param name="Numbers">What the iteration decides, <c>[n]</c>: weights of losses, thresholds. Null without.</param>
public sealed record StepInputs(Tensor Images, Tensor Labels, Tensor? Numbers = null)
{
    internal Tensor[] Tensors => Numbers is null ? [Images, Labels] : [Images, Labels, Numbers];

    internal static StepInputs Of(IReadOnlyList<Tensor> tensors) =>
        new(tensors[0], tensors[1], tensors.Count > 2 ? tensors[2] : null);
}
