using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>What a step minimises, and the parts of it that are worth a look.</summary>
/// <param name="Total">A scalar.</param>
/// <param name="Parts">Scalars by the names that they have in logs.</param>
public readonly record struct Losses(Tensor Total, IReadOnlyList<(string Name, Tensor Value)> Parts);

/// <summary>
/// A way to train: which networks there are, which cases a batch is made of, and what a step minimises. Everything else
/// (the loop, the optimiser's steps, checkpoints, logs, validation) is written once, in <see cref="Trainer"/>.
/// </summary>
public interface IMethod
{
    /// <summary>The network that is validated and kept in the end.</summary>
    IVolumeNetwork Network { get; }

    /// <summary>All that training changes, by the name of the network that it belongs to; a checkpoint holds it.</summary>
    IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <summary>What changes the networks, by the name of what each trains; a checkpoint holds their states.</summary>
    IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

    /// <summary>The cases that are trained on.</summary>
    IReadOnlyList<Case> Cases { get; }

    /// <summary>Which of them make a batch.</summary>
    IBatchSampler Sampler { get; }

    /// <summary>
    /// What the networks were made from beside the settings, such as a checkpoint's hash: a run goes on with the same alone.
    /// </summary>
    string Origin => "";

    /// <summary>The losses of a batch.</summary>
    Losses Losses(Batch batch, long iteration);

    /// <summary>Moves whatever is trained along its gradients, and forgets them.</summary>
    void Step(float learningRate)
    {
        foreach (Optimizer optimizer in Optimizers.Values)
        {
            optimizer.LearningRate = learningRate;
            optimizer.Step();
            optimizer.ClearGradients();
        }
    }

    /// <summary>What follows the step: moving averages.</summary>
    void AfterStep(long iteration) { }
}
