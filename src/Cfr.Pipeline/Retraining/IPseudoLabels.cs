using Cfr.Pipeline.Datasets;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>Labels for patches of unlabelled cases.</summary>
public interface IPseudoLabels
{
    /// <summary>The unlabelled cases as they are to be read: bare, or with a pseudo label in the place of a label.</summary>
    /// <exception cref="BadDataException">A label is missing.</exception>
    IReadOnlyList<Case> Cases(IReadOnlyList<Case> unlabelled);

    /// <summary>Labels of a batch's unlabelled half.</summary>
    /// <param name="patches"><c>[U, D, H, W, 1]</c>.</param>
    /// <param name="loaded">What the cases' label files say, <c>[U, D, H, W]</c>.</param>
    /// <returns><c>[U, D, H, W]</c>, int32.</returns>
    Tensor Labels(Tensor patches, Tensor loaded);
}
