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

    readonly Option<string?> _sam = new("--sam")
    {
        Description = "The checkpoint that the fine-tuned SAM of --pseudo-labels was made from, if that is no longer where it was.",
    };

    public static Command Create()
    {
        var command = new TrainCommand();
        return command.Create(
            "train", "Trains a 3D network, with labels alone or with unlabelled cases, too; or goes on with a run.",
            command._pseudoLabels, command._sam);
    }

    protected override TrainingConfiguration Placed(TrainingConfiguration read, string folder) =>
        read.PseudoLabels is { } labels
            ? read with { PseudoLabels = labels with { Path = From(labels.Path, folder), Sam = From(labels.Sam, folder) } }
            : read;

    static string? From(string? path, string folder) => path is null ? null : Path.GetFullPath(path, folder);

    protected override TrainingConfiguration With(TrainingConfiguration configuration, ParseResult arguments)
    {
        PseudoLabelConfiguration? labels = configuration.PseudoLabels;
        if (arguments.GetValue(_pseudoLabels) is { } given)
        {
            PseudoLabelSource from = Directory.Exists(given) ? PseudoLabelSource.Folder : PseudoLabelSource.Network;
            labels = new(from, Path.GetFullPath(given), labels?.Weight ?? 1);
        }
        if (arguments.GetValue(_sam) is { } sam)
            labels = labels is null
                ? throw new ArgumentException("--sam goes with --pseudo-labels, or with a configuration that has them")
                : labels with { Sam = sam };
        return configuration with { PseudoLabels = labels };
    }

    protected override void Check(TrainingConfiguration configuration, DataSet data) => Trainer.Check(configuration, data);

    protected override ReadyTraining Open(Session session, TrainingConfiguration configuration, DataSet data, RunFolder run)
    {
        var training = new RetrainingRun(session, configuration, data, run);
        return new ReadyTraining(training.Network, training.Execute);
    }
}
