using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>What a step minimises, and the parts of it that are worth a look.</summary>
/// <param name="Total">A scalar.</param>
/// <param name="Parts">Scalars by the names that they have in logs.</param>
public readonly record struct Losses(Tensor Total, IReadOnlyList<(string Name, Tensor Value)> Parts)
{
    /// <summary>The total and its parts in one tensor, which comes to the host in one copy.</summary>
    internal Tensor Values()
    {
        return Single(Total).Concat(0, [.. Parts.Select(part => Single(part.Value))]);

        static Tensor Single(Tensor scalar) => scalar.Detach().Reshape(1);
    }
}

/// <summary>
/// A way to train: which networks there are, which cases a batch is made of, and what a step minimises. Everything else
/// (the loop, the optimiser's steps, checkpoints, logs, validation) is written once, in <see cref="Trainer"/>. What
/// depends on the batch or the iteration goes into <see cref="StepInputs"/>; the losses see nothing else, so that a GPU
/// can record their launches once and replay them.
/// </summary>
public interface IMethod : ITrained
{
    /// <summary>The network that is validated and kept in the end.</summary>
    IVolumeNetwork Network { get; }

    /// <summary>The cases that are trained on.</summary>
    IReadOnlyList<Case> Cases { get; }

    /// <summary>Which of them make a batch.</summary>
    IBatchSampler Sampler { get; }

    /// <summary>What the step of an iteration reads; the same shapes in every step.</summary>
    StepInputs Inputs(Batch batch, long iteration);

    /// <summary>The losses of a step: the same work every time, on other inputs.</summary>
    Losses Losses(StepInputs inputs);

    /// <summary>What follows the step: moving averages.</summary>
    void AfterStep(long iteration) { }
}
