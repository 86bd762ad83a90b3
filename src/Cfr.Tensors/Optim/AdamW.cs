using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>AdamW (Loshchilov 2019), PyTorch's form; without weight decay it is Adam (Kingma 2015).</summary>
public sealed class AdamW : Optimizer
{
    readonly float _beta1, _beta2, _epsilon;
    readonly Dictionary<string, int> _steps = [];

    /// <summary>AdamW over groups.</summary>
    public AdamW(
        IReadOnlyList<ParameterGroup> groups, float learningRate, float beta1 = 0.9f, float beta2 = 0.999f,
        float epsilon = 1e-8f)
        : base(groups, learningRate) => (_beta1, _beta2, _epsilon) = (beta1, beta2, epsilon);

    /// <summary>AdamW over one group.</summary>
    public AdamW(IEnumerable<Weight> parameters, float learningRate, float weightDecay = 0.01f)
        : this([new ParameterGroup([.. parameters], weightDecay)], learningRate) { }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, int> Steps => _steps;

    /// <inheritdoc/>
    public override void RestoreSteps(string parameter, int steps) => _steps[parameter] = steps;

    /// <inheritdoc/>
    private protected override void Update()
    {
        foreach (ParameterGroup group in Groups)
        {
            var byAge = Trained(group).GroupBy(weight => _steps.GetValueOrDefault(weight.Name) + 1);
            foreach (var sameAge in byAge.ToList())
            {
                AdamWSlot[] slots = [.. sameAge.Select(Slot)];
                var step = new AdamWStep(
                    LearningRate * group.LearningRateFactor, _beta1, _beta2, _epsilon, group.WeightDecay, sameAge.Key);
                sameAge.First().Tensor.Session.Device.Optimizers.AdamW(step, slots);
                foreach (Weight weight in sameAge) _steps[weight.Name] = sameAge.Key;
            }
        }
    }

    AdamWSlot Slot(Weight weight) => new(
        weight.Tensor.View, weight.Tensor.Grad!.View,
        StateOf("exp_avg", weight).View, StateOf("exp_avg_sq", weight).View);
}
