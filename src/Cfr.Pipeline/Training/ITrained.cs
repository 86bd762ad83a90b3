using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>What a checkpoint holds of a run, beside its place in the schedule and in the random stream.</summary>
public interface ITrained
{
    /// <summary>All that training changes, by the name of the network that it belongs to.</summary>
    IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <summary>What changes the networks, by the name of what each trains.</summary>
    IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

    /// <summary>
    /// What the networks were made from beside the settings, such as a checkpoint's hash: a run goes on with the same alone.
    /// </summary>
    string Origin => "";

    /// <summary>Moves whatever is trained along its gradients.</summary>
    void Step(float learningRate)
    {
        foreach (Optimizer optimizer in Optimizers.Values)
        {
            optimizer.LearningRate = learningRate;
            optimizer.Step();
        }
    }

    /// <summary>Forgets all gradients.</summary>
    void ClearGradients()
    {
        foreach (Optimizer optimizer in Optimizers.Values) optimizer.ClearGradients();
    }
}
