using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>A weighted sum of losses; the log shows its terms as they are before they are weighted.</summary>
public sealed class LossSum
{
    readonly List<(string Name, Tensor Value)> _terms = [];
    Tensor? _total;

    /// <summary>Adds a scalar times a weight.</summary>
    public LossSum Add(string name, Tensor loss, double weight = 1) =>
        AddTerm(name, loss, weight == 1 ? loss : loss * (float)weight);

    /// <summary>Adds a scalar times a weight that changes from step to step, a scalar on the device.</summary>
    public LossSum Add(string name, Tensor loss, Tensor weight) => AddTerm(name, loss, loss * weight);

    LossSum AddTerm(string name, Tensor loss, Tensor weighted)
    {
        _total = _total is null ? weighted : _total + weighted;
        _terms.Add((name, loss));
        return this;
    }

    /// <summary>The sum.</summary>
    public Losses Losses => new(_total ?? throw new InvalidOperationException("nothing was added"), _terms);
}
