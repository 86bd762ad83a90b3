using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>
/// Whether what a run is about to keep is made of numbers: the loss of a step is looked at before the step changes weights, so
/// the last one may have made them infinite.
/// </summary>
static class FiniteWeights
{
    /// <exception cref="DivergedException">A weight is not; the message names the first.</exception>
    public static void Check(Session session, ITrained trained, long iteration)
    {
        foreach (var (network, weights) in trained.State)
            foreach (Weight weight in weights)
            {
                using Scope scope = session.Scope();
                // 0 times a number is 0; times infinity, or what is no number, it is none.
                if (float.IsFinite((weight.Tensor.Detach() * 0).Sum().Item())) continue;
                throw new DivergedException($"iteration {iteration}: the weight {weight.Name} of {network} is no number any more");
            }
    }
}
