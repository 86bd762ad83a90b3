using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Retraining;

/// <summary>How a network learns.</summary>
public enum MethodKind
{
    /// <summary>From labelled cases alone: <see cref="Retraining.Supervised"/>.</summary>
    Supervised,
    /// <summary><see cref="Retraining.SelfTraining"/>, in rounds.</summary>
    SelfTraining,
    /// <summary><see cref="Retraining.MeanTeacher"/>.</summary>
    MeanTeacher,
    /// <summary><see cref="AmbiguityConsensus"/>.</summary>
    Acmt,
}

/// <summary>The methods by name. A new one is its file, a name above and a line below.</summary>
public static class Methods
{
    static readonly Dictionary<MethodKind, Func<MethodContext, IMethod>> All = new()
    {
        [MethodKind.Supervised] = context => new Supervised(context),
        [MethodKind.SelfTraining] = context => new SelfTraining(context),
        [MethodKind.MeanTeacher] = context => new MeanTeacher(context),
        [MethodKind.Acmt] = context => new AmbiguityConsensus(context),
    };

    /// <summary>The method that the configuration names, its networks with initial values by the session's seed.</summary>
    /// <exception cref="ArgumentException">The settings do not fit the method or the data.</exception>
    /// <exception cref="BadDataException">A label or a pseudo label is missing.</exception>
    public static IMethod Create(MethodContext context) => All[context.Configuration.Method](context);

    /// <exception cref="ArgumentException">There are not the cases that the method needs.</exception>
    internal static void Check(TrainingConfiguration configuration, DataSet data)
    {
        if (!configuration.IsSemiSupervised) return;
        int labelled = configuration.LabelledCases(data).Count, unlabelled = data.Train.Count - labelled;
        int needed = configuration.Batch - configuration.Batch / 2;
        if (unlabelled < needed)
            throw new ArgumentException(
                $"labelled is {labelled} of the {data.Train.Count} training cases of {data.Name}: {unlabelled} are left "
                + $"without labels; the method needs at least {needed}, half a batch");
    }
}
