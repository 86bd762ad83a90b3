using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// The training of a 3D network, whatever the method: one <see cref="Trainer"/>, or with self-training several in turn. It
/// goes on where its folder says.
/// </summary>
/// <example><code>
/// var training = new RetrainingRun(session, configuration, data, RunFolder.Create("runs/la-mt", configuration));
/// bool finished = training.Execute(observer, stop);
/// </code></example>
public sealed class RetrainingRun
{
    readonly Func<ITrainingObserver, CancellationToken, bool> _execute;

    /// <summary>Opens what the run needs; nothing is written yet.</summary>
    /// <param name="session">A session with the configuration's seed.</param>
    /// <param name="configuration">The settings.</param>
    /// <param name="data">The data set.</param>
    /// <param name="run">The folder.</param>
    /// <param name="pseudoLabels">Pseudo labels in the place of those that the configuration names.</param>
    /// <param name="stores">Makes stores of the data set's cases; by default from their files.</param>
    /// <exception cref="ArgumentException">The settings make no sense, or do not fit the data.</exception>
    /// <exception cref="BadDataException">A label or a pseudo label is missing.</exception>
    public RetrainingRun(
        Session session, TrainingConfiguration configuration, DataSet data, RunFolder run,
        IPseudoLabels? pseudoLabels = null, Func<CaseStore>? stores = null)
    {
        Trainer.Check(configuration, data);
        stores ??= () => data.Store();
        pseudoLabels ??= configuration.PseudoLabels?.Open(session, data.Classes.Count);
        var context = new MethodContext(session, configuration, data, pseudoLabels);
        if (configuration.Method == MethodKind.SelfTraining)
        {
            Network = context.Network();
            _execute = new SelfTrainingRun(context, run, stores).Execute;
        }
        else
        {
            IMethod method = Methods.Create(context);
            Network = method.Network;
            _execute = new Trainer(session, configuration, method, data, stores(), run).Run;
        }
    }

    /// <summary>A network as it is trained.</summary>
    public IVolumeNetwork Network { get; }

    /// <summary>Trains to the end, or until it is told to stop.</summary>
    /// <returns>Whether the end was reached.</returns>
    /// <exception cref="BadDataException">A case cannot be used; nothing was trained yet.</exception>
    /// <exception cref="DivergedException">The loss is no number.</exception>
    public bool Execute(ITrainingObserver observer, CancellationToken stop = default) => _execute(observer, stop);
}
