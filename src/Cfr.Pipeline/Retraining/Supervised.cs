using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// One network, labelled cases alone, L = L_sup: the lower bound of semi-supervised comparisons and, with all labels, the
/// upper one.
/// </summary>
public sealed class Supervised : IMethod
{
    readonly MethodContext _context;

    /// <summary>Builds the network, with initial values by the session's seed.</summary>
    /// <exception cref="ArgumentException">The network's result is no map of class logits.</exception>
    public Supervised(MethodContext context)
    {
        _context = context;
        Network = context.Network();
        State = new Dictionary<string, IReadOnlyList<Weight>> { ["network"] = [.. Network.Weights.All] };
        Optimizers = new Dictionary<string, Optimizer> { ["network"] = context.Optimizer(Network.Weights) };
        TrainingConfiguration configuration = context.Configuration;
        Cases = configuration.LabelledCases(context.Data);
        Sampler = new ShuffledSampler(Cases.Count, configuration.Batch, configuration.Seed);
    }

    /// <inheritdoc/>
    public IVolumeNetwork Network { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases { get; }

    /// <inheritdoc/>
    public IBatchSampler Sampler { get; }

    /// <inheritdoc/>
    public StepInputs Inputs(Batch batch, long iteration) =>
        new(batch.ImageTensor(_context.Session), batch.LabelTensor(_context.Session));

    /// <inheritdoc/>
    public Losses Losses(StepInputs inputs)
    {
        SegmentationLosses losses = _context.Configuration.Loss.Of(Network.Logits(inputs.Images), inputs.Labels);
        return new Losses(losses.Total, [("crossEntropy", losses.CrossEntropy), ("dice", losses.Dice)]);
    }
}
