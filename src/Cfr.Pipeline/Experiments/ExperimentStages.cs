using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Experiments;

/// <summary>The stages of an experiment, in their order.</summary>
static class ExperimentStages
{
    /// <summary>The row of fine-tuned SAM itself.</summary>
    internal const string FineTunedSam = "cfr-ft";

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
            stages.Add(new ScorePseudoLabelsStage(context, tuning));
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
        if (needsCheckpoint && experiment.FineTuning?.Sam.File is { } sam && !File.Exists(sam))
            throw new BadDataException($"{sam}: there is no such checkpoint of SAM; name it with --sam, or in fineTuning.sam.weights");
        context.VerifySam();
        if (experiment.Prepare is { From: { } from } && !Directory.Exists(from))
            throw new BadDataException($"prepare.from: {from}: no such folder");
        DataSet data = context.Data;
        data.WithLabels(data.Test);
        if (data.Test.Count == 0) throw new ArgumentException($"{data.Name} ({data.ListPath}) has no test cases");
        experiment.FineTuning?.Check(context.DataFor(experiment.FineTuning));
        foreach (TrainingConfiguration training in experiment.Methods.Values) Trainer.Check(training, context.DataFor(training));
    }
}
