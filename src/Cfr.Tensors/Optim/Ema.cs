using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Keeps one model's parameters a moving average of another's: average = decay average + (1 - decay) value. Buffers
/// (running statistics) are left alone, as Mean Teacher does.
/// </summary>
public sealed class Ema
{
    readonly (Tensor Average, Tensor Value)[] _pairs;
    readonly EmaSlot[] _slots;
    readonly Session _session;

    /// <summary>Pairs the parameters of two models of the same kind by name.</summary>
    /// <exception cref="ArgumentException">A name or a shape is missing on one side.</exception>
    public Ema(Weights average, Weights value)
    {
        Dictionary<string, Tensor> values =
            value.Parameters.ToDictionary(weight => weight.Name, weight => weight.Tensor);
        List<Weight> averages = [.. average.Parameters];
        if (averages.Count != values.Count)
            throw new ArgumentException($"Ema: the models have {averages.Count} and {values.Count} parameters");
        _slots = new EmaSlot[averages.Count];
        _pairs = new (Tensor, Tensor)[averages.Count];
        for (int i = 0; i < _slots.Length; i++)
        {
            Weight weight = averages[i];
            if (!values.TryGetValue(weight.Name, out Tensor? tensor))
                throw new ArgumentException($"Ema: only one of the models has '{weight.Name}'");
            Session.Common(nameof(Ema), weight.Tensor, tensor);
            if (tensor.Shape != weight.Tensor.Shape)
            {
                throw new ArgumentException(
                    $"Ema: '{weight.Name}' is {weight.Tensor.Shape} in one model, {tensor.Shape} in the other");
            }
            _pairs[i] = (weight.Tensor, tensor);
        }
        _session = average.Session;
    }

    /// <summary>Moves the average towards the value.</summary>
    /// <param name="decay">In [0, 1]; 0 copies.</param>
    public void Update(float decay)
    {
        _session.Settle(); // what was put off is made of the average as it is
        for (int i = 0; i < _pairs.Length; i++)
        {
            _pairs[i].Average.CountOverwrite();
            _slots[i] = new EmaSlot(_pairs[i].Average.View, _pairs[i].Value.View);
        }
        _session.Device.Optimizers.Ema(decay, _slots);
    }

    /// <summary>
    /// Mean Teacher's decay at iteration t = 0, 1, ...: min(1 - 1 / (t + 1), limit); the first update copies.
    /// </summary>
    public static float WarmDecay(long iteration, float limit = 0.99f) =>
        (float)Math.Min(1 - 1.0 / (iteration + 1), limit);
}
