using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>A weighted sum of losses; the log shows its terms as they are before they are weighted.</summary>
public sealed class LossSum
{
    readonly List<(string Name, Tensor Value)> _terms = [];
    Tensor? _total;

    /// <summary>Adds a scalar times a weight.</summary>
    public LossSum Add(string name, Tensor loss, double weight = 1)
    {
        Tensor term = weight == 1 ? loss : loss * (float)weight;
        _total = _total is null ? term : _total + term;
        _terms.Add((name, loss));
        return this;
    }

    /// <summary>The sum.</summary>
    public Losses Losses => new(_total ?? throw new InvalidOperationException("nothing was added"), _terms);
}
