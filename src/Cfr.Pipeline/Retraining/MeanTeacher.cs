using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// Mean Teacher (Tarvainen and Valpola 2017) as CFR and SSL4MIS have it, p = softmax(student(x)),
/// q = softmax(teacher(x + noise)):
///   L = L_sup [+ v L_pl] + w(t) mean (p - q)^2
/// The mean is over classes, voxels and all samples (CFR), or those of the unlabelled half (SSL4MIS).
/// </summary>
public sealed class MeanTeacher : SemiSupervised
{
    readonly Schedule _weight;

    /// <summary>Builds both networks.</summary>
    /// <inheritdoc cref="SemiSupervised(MethodContext)"/>
    public MeanTeacher(MethodContext context) : base(context)
    {
        Teacher = new Teacher(context, Student);
        _weight = Configuration.Consistency.Schedule;
        Keep("teacher", Teacher.Weights);
    }

    internal Teacher Teacher { get; }

    /// <inheritdoc/>
    protected internal override Tensor Numbers(long iteration) =>
        Context.Session.Tensor([(float)_weight.At(iteration)], [1]);

    /// <inheritdoc/>
    protected internal override Losses Losses(TwoStreamBatch batch)
    {
        Tensor target = Teacher.Probabilities(Seen(batch, batch.Images));
        Tensor logits = Student.Logits(batch.Images);
        return AgainstLabels(batch, logits)
            .Add("consistency", Consistency(Seen(batch, logits), target), batch.Number(0)).Losses;
    }

    /// <inheritdoc/>
    public override void AfterStep(long iteration) => Teacher.Follow(iteration);

    /// <summary>Mean of (softmax(logits) - target)^2.</summary>
    internal static Tensor Consistency(Tensor logits, Tensor target) => (logits.Softmax() - target).Square().Mean();

    Tensor Seen(TwoStreamBatch batch, Tensor all) =>
        Configuration.MeanTeacher.On == ConsistencySamples.All ? all : batch.Unlabelled(all);
}
