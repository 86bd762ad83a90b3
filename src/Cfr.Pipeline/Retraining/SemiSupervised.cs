using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// What semi-supervised methods share: a student, batches of which the first half is labelled, and the losses against
/// labels. A method says what it adds:
///   L = L_sup(labelled half) + v L_pl(unlabelled half) + what the method adds
/// L_pl is L_sup's formula against pseudo labels (CFR, Eq. 7), v their weight; it is there if pseudo labels are.
/// </summary>
public abstract class SemiSupervised : IMethod
{
    readonly int _labelledInBatch;
    readonly Dictionary<string, IReadOnlyList<Weight>> _state = [];

    /// <summary>Builds the student, with initial values by the session's seed.</summary>
    /// <exception cref="ArgumentException">The settings do not fit the data.</exception>
    /// <exception cref="BadDataException">A pseudo label is missing.</exception>
    protected SemiSupervised(MethodContext context)
    {
        Context = context;
        Student = context.Network();
        Keep("network", Student.Weights);
        Optimizers = new Dictionary<string, Optimizer> { ["network"] = context.Optimizer(Student.Weights) };
        TrainingConfiguration configuration = context.Configuration;
        IReadOnlyList<Case> labelled = configuration.LabelledCases(context.Data);
        IReadOnlyList<Case> unlabelled = context.Data.Unlabelled(labelled.Count);
        if (context.PseudoLabels is { } labels) unlabelled = labels.Cases(unlabelled);
        Cases = [.. labelled, .. unlabelled];
        _labelledInBatch = configuration.Batch / 2;
        Sampler = new TwoStreamSampler(
            labelled.Count, unlabelled.Count, _labelledInBatch, configuration.Batch - _labelledInBatch, configuration.Seed);
    }

    /// <inheritdoc/>
    public IVolumeNetwork Network => Student;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State => _state;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases { get; }

    /// <inheritdoc/>
    public IBatchSampler Sampler { get; }

    /// <summary>What the method is made of.</summary>
    protected MethodContext Context { get; }

    /// <summary>The settings.</summary>
    protected TrainingConfiguration Configuration => Context.Configuration;

    /// <summary>The network that is tested in the end.</summary>
    protected VolumeNetwork Student { get; }

    /// <inheritdoc/>
    public StepInputs Inputs(Batch batch, long iteration) =>
        new(batch.ImageTensor(Context.Session), batch.LabelTensor(Context.Session), Numbers(iteration));

    /// <inheritdoc/>
    public Losses Losses(StepInputs inputs)
    {
        var streams = new TwoStreamBatch(inputs.Images, inputs.Labels, _labelledInBatch, Numbers: inputs.Numbers);
        // Before the student's pass: what that keeps for its gradients need not lie beside another network's pass.
        Tensor? pseudoLabels = Context.PseudoLabels?.Labels(
            streams.Unlabelled(streams.Images), streams.Unlabelled(streams.Labels));
        return Losses(streams with { PseudoLabels = pseudoLabels });
    }

    /// <inheritdoc/>
    public virtual void AfterStep(long iteration) { }

    /// <summary>The losses of a batch; <see cref="AgainstLabels"/> is most methods' first part of it.</summary>
    protected internal abstract Losses Losses(TwoStreamBatch batch);

    /// <summary>What the losses need to know of the iteration, <c>[n]</c>.</summary>
    protected internal virtual Tensor? Numbers(long iteration) => null;

    /// <summary>Training changes these too; a checkpoint holds them.</summary>
    protected void Keep(string name, Weights weights) => _state.Add(name, [.. weights.All]);

    /// <summary>L_sup + v L_pl of the student's logits of the whole batch.</summary>
    protected LossSum AgainstLabels(TwoStreamBatch batch, Tensor logits)
    {
        LossConfiguration loss = Configuration.Loss;
        var sum = new LossSum();
        sum.Add("supervised", loss.Of(batch.Labelled(logits), batch.Labelled(batch.Labels)).Total);
        if (batch.PseudoLabels is { } labels)
            sum.Add("pseudoLabels", loss.Of(batch.Unlabelled(logits), labels).Total, Configuration.PseudoLabels?.Weight ?? 1);
        return sum;
    }
}
