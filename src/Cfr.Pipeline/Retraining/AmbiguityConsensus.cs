using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// Ambiguity-consensus Mean Teacher (Xu et al. 2023, AC-MT): the student follows the teacher only where it is unsure.
/// On the unlabelled half, with an <see cref="AmbiguityMask"/> E of 1 and 0:
///   L = L_sup [+ v L_pl] + w(t) L_ac,   L_ac = sum E (p - q)^2 / (sum E + 1e-16)
/// The sum below counts E once a voxel with the mask from uncertainty, once a voxel and class with the one from entropy.
/// </summary>
public sealed class AmbiguityConsensus : SemiSupervised
{
    const float Smoothing = 1e-16f;

    readonly Teacher _teacher;
    readonly AmbiguityMask _mask;
    readonly Schedule _weight;

    /// <summary>Builds both networks.</summary>
    /// <inheritdoc cref="SemiSupervised(MethodContext)"/>
    public AmbiguityConsensus(MethodContext context) : base(context)
    {
        _teacher = new Teacher(context, Student);
        _mask = new AmbiguityMask(Configuration.Acmt, Configuration.Iterations);
        _weight = Configuration.Consistency.Schedule;
        Keep("teacher", _teacher.Weights);
    }

    /// <inheritdoc/>
    protected internal override Tensor Numbers(long iteration) => Context.Session.Tensor(
        [(float)_weight.At(iteration), _mask.Bound(iteration, Student.Classes)], [2]);

    /// <inheritdoc/>
    protected internal override Losses Losses(TwoStreamBatch batch)
    {
        Tensor patches = batch.Unlabelled(batch.Images), target = _teacher.Probabilities(patches);
        Tensor? sampled = _mask.Passes > 0 ? _mask.MeanOfPasses(Student, patches, _teacher.Noise) : null;
        Tensor logits = Student.Logits(batch.Images), unlabelled = batch.Unlabelled(logits);
        Tensor mask = AmbiguityMask.Of(sampled ?? unlabelled.Softmax(), batch.Number(1));
        return AgainstLabels(batch, logits)
            .Add("consistency", Consistency(unlabelled, target, mask, _mask.CountsClasses), batch.Number(0)).Losses;
    }

    /// <inheritdoc/>
    public override void AfterStep(long iteration) => _teacher.Follow(iteration);

    /// <summary>L_ac.</summary>
    /// <param name="logits">The student's, <c>[U, D, H, W, K]</c>.</param>
    /// <param name="target">The teacher's probabilities.</param>
    /// <param name="mask">E, <c>[U, D, H, W, 1]</c>.</param>
    /// <param name="countsClasses">Whether the sum of E counts each class.</param>
    internal static Tensor Consistency(Tensor logits, Tensor target, Tensor mask, bool countsClasses)
    {
        Tensor difference = ((logits.Softmax() - target).Square() * mask).Sum();
        return difference / (mask.Sum() * (countsClasses ? logits.Size(^1) : 1) + Smoothing);
    }
}
