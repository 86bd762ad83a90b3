using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Stochastic gradient descent with momentum, PyTorch's form: g += decay p; m = momentum m + g; p -= rate m, with m = g
/// at the first step of a parameter.
/// </summary>
public sealed class Sgd : Optimizer
{
    const string Momentum = "momentum_buffer";

    readonly float _momentum;

    /// <summary>SGD over groups.</summary>
    public Sgd(IReadOnlyList<ParameterGroup> groups, float learningRate, float momentum = 0)
        : base(groups, learningRate) => _momentum = momentum;

    /// <summary>SGD over one group.</summary>
    public Sgd(IEnumerable<Weight> parameters, float learningRate, float momentum = 0, float weightDecay = 0)
        : this([new ParameterGroup([.. parameters], weightDecay)], learningRate, momentum) { }

    /// <inheritdoc/>
    private protected override void Update()
    {
        foreach (ParameterGroup group in Groups)
        {
            foreach (var sameAge in Trained(group).GroupBy(IsNew))
            {
                SgdSlot[] slots = [.. sameAge.Select(Slot)];
                var step = new SgdStep(
                    LearningRate * group.LearningRateFactor, _momentum, group.WeightDecay, FirstStep: sameAge.Key);
                sameAge.First().Tensor.Session.Device.Optimizers.Sgd(step, slots);
            }
        }
    }

    bool IsNew(Weight weight) => _momentum == 0 || !State.ContainsKey($"{Momentum}.{weight.Name}");

    SgdSlot Slot(Weight weight) => new(
        weight.Tensor.View, weight.Tensor.Grad!.View, _momentum == 0 ? default : StateOf(Momentum, weight).View);
}
