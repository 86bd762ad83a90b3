using System.CommandLine;
using Cfr.Cli.Training;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr train</c>: trains a 3D network as a configuration says, or goes on with a run.</summary>
sealed class TrainCommand : TrainingCommand<TrainingConfiguration>
{
    readonly Option<string?> _pseudoLabels = new("--pseudo-labels")
    {
        Description = "Labels of unlabelled cases (CFR): a folder of label maps CASE.nii.gz, or the file of a network or a fine-tuned SAM.",
    };

    public static Command Create()
    {
        var command = new TrainCommand();
        return command.Create(
            "train", "Trains a 3D network, with labels alone or with unlabelled cases, too; or goes on with a run.",
            command._pseudoLabels);
    }

    protected override TrainingConfiguration Placed(TrainingConfiguration read, string folder) =>
        read.PseudoLabels is { Path: { } path } labels
            ? read with { PseudoLabels = labels with { Path = Path.GetFullPath(path, folder) } }
            : read;

    protected override TrainingConfiguration With(TrainingConfiguration configuration, ParseResult arguments)
    {
        if (arguments.GetValue(_pseudoLabels) is not { } given) return configuration;
        PseudoLabelSource from = Directory.Exists(given) ? PseudoLabelSource.Folder : PseudoLabelSource.Network;
        return configuration with { PseudoLabels = new(from, Path.GetFullPath(given), configuration.PseudoLabels?.Weight ?? 1) };
    }

    protected override void Check(TrainingConfiguration configuration, DataSet data) => Trainer.Check(configuration, data);

    protected override ReadyTraining Open(Session session, TrainingConfiguration configuration, DataSet data, RunFolder run)
    {
        var training = new RetrainingRun(session, configuration, data, run);
        return new ReadyTraining(training.Network, training.Execute);
    }
}
