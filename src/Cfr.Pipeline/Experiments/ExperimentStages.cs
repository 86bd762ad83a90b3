using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Experiments;

/// <summary>The stages of an experiment, in their order.</summary>
static class ExperimentStages
{
    /// <summary>The row of fine-tuned SAM itself.</summary>
    const string FineTunedSam = "cfr-ft";

    public static IReadOnlyList<Stage> Of(StageContext context)
    {
        ExperimentConfiguration experiment = context.Experiment;
        var stages = new List<Stage>();
        if (experiment.Prepare is { } prepare) stages.Add(new PrepareStage(context, prepare));
        if (experiment.FineTuning is { } tuning)
        {
            stages.Add(new ConcatenateStage(context, tuning));
            stages.Add(new FineTuneStage(context, tuning));
            stages.Add(new PseudoLabelStage(context, tuning));
            stages.Add(PredictStage.Of(context, FineTunedSam, tuning));
            stages.Add(new EvaluateStage(context, FineTunedSam));
        }
        foreach (var (row, training) in experiment.Methods)
        {
            stages.Add(new RetrainStage(context, row, training));
            stages.Add(PredictStage.Of(context, row, training));
            stages.Add(new EvaluateStage(context, row));
        }
        stages.Add(new ReportStage(context, [.. stages.Select(stage => stage.Name)]));
        return stages;
    }

    /// <summary>What can be known to be wrong before any work.</summary>
    public static void Check(StageContext context, bool needsCheckpoint)
    {
        ExperimentConfiguration experiment = context.Experiment;
        foreach (var (row, training) in experiment.Methods)
        {
            if (row == FineTunedSam) throw new ArgumentException($"methods.{row}: the row of fine-tuned SAM itself; take another name");
            if (training.PseudoLabels is not { } labels) continue;
            if (experiment.FineTuning is null)
                throw new ArgumentException($"methods.{row}: pseudo-labels come from fine-tuned SAM; \"fineTuning\" is missing");
            if (labels.Path is { } path)
                throw new ArgumentException($"methods.{row}: pseudoLabels.path is '{path}'; here SAM is the one that the experiment fine-tunes");
        }
        if (needsCheckpoint && experiment.FineTuning?.Sam.File is { } sam && !File.Exists(sam))
            throw new BadDataException($"{sam}: there is no such checkpoint of SAM; name it with --sam, or in fineTuning.sam.weights");
        context.VerifySam();
        if (experiment.Prepare is { } prepare)
        {
            CheckPreparation(experiment, prepare);
            return;
        }
        DataSet data = context.Data;
        data.WithLabels(data.Test);
        if (data.Test.Count == 0) throw new ArgumentException($"{data.Name} ({data.ListPath}) has no test cases");
        experiment.FineTuning?.Check(context.DataFor(experiment.FineTuning));
        foreach (TrainingConfiguration training in experiment.Methods.Values) Trainer.Check(training, context.DataFor(training));
    }

    /// <summary>Phantoms are known before they are made; others when their folder is there.</summary>
    static void CheckPreparation(ExperimentConfiguration experiment, PrepareConfiguration prepare)
    {
        if (prepare.From is { } from && !Directory.Exists(from))
            throw new BadDataException($"prepare.from: {from}: no such folder");
        if (prepare.Recipe != PrepareConfiguration.Phantom) return;
        int needed = experiment.Labelled + (experiment.Unlabelled ?? 0) + (experiment.Test ?? 1);
        if (prepare.Cases < needed)
            throw new ArgumentException($"prepare.cases is {prepare.Cases}; labelled, unlabelled and test cases make {needed}");
    }
}
