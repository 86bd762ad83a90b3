using System.CommandLine;
using Cfr.Cli.Training;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr finetune</c>: fine-tunes SAM on mosaics of labelled cases, or goes on with a run.</summary>
sealed class FinetuneCommand : TrainingCommand<FineTuningConfiguration>
{
    readonly Option<string?> _sam = new("--sam")
    {
        Description = $"Checkpoint of SAM, such as sam_vit_b_01ec64.pth, or {SmallSam.Name}; overrides the configuration's.",
    };

    public static Command Create()
    {
        var command = new FinetuneCommand();
        return command.Create("finetune", "Fine-tunes SAM on mosaics of labelled cases; or goes on with a run.", command._sam);
    }

    protected override FineTuningConfiguration Placed(FineTuningConfiguration read, string folder) =>
        read with { Sam = read.Sam.From(folder) };

    protected override FineTuningConfiguration With(FineTuningConfiguration configuration, ParseResult arguments) =>
        arguments.GetValue(_sam) is { } sam
            ? configuration with { Sam = (configuration.Sam with { Weights = sam, Model = null }).From(Environment.CurrentDirectory) }
            : configuration;

    protected override void Check(FineTuningConfiguration configuration, DataSet data) => configuration.Check(data);

    protected override ReadyTraining Open(Session session, FineTuningConfiguration configuration, DataSet data, RunFolder run)
    {
        var method = new SamFineTuning(session, configuration, data);
        return new ReadyTraining(method.Network, new Trainer(session, configuration, method, data, data.Store(), run).Run);
    }
}
