using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// A student of labels and pseudo labels alone (Lee 2013), L = L_sup + v L_pl: one round of self-training.
/// <see cref="RetrainingRun"/> makes the rounds.
/// </summary>
public sealed class SelfTraining : SemiSupervised
{
    /// <summary>Builds the student.</summary>
    /// <inheritdoc cref="SemiSupervised(MethodContext)"/>
    public SelfTraining(MethodContext context) : base(context)
    {
        if (context.PseudoLabels is null) throw new ArgumentException("self-training needs pseudo labels");
    }

    /// <inheritdoc/>
    protected internal override Losses Losses(TwoStreamBatch batch) =>
        AgainstLabels(batch, Student.Logits(batch.Images)).Losses;
}
