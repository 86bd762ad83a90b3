using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Retraining;

namespace Cfr.Pipeline.Experiments;

/// <summary>Compares the predictions of a row with the truth.</summary>
sealed class EvaluateStage(StageContext context, string row) : Stage(context)
{
    public override string Name => $"evaluate {row}";

    public override IEnumerable<string> Inputs => [Context.OutputsOf(PredictStage.StageName(row)), Context.TestHash];

    public override IReadOnlyList<string> Owned => [Folder.Scores(row)];

    public override IEnumerable<string> Outputs => [Folder.Scores(row)];

    public override string Run()
    {
        DataSet data = Context.Data;
        PredictedCase[] cases = [.. data.WithLabels(data.Test)
            .Select(each => new PredictedCase(each.Name, FolderPseudoLabels.PathOf(Folder.Predictions(row), each), each.LabelPath!))];
        Evaluation found = Evaluation.Of(
            cases, data.Classes.Count, threads: Environment.ProcessorCount,
            progress: done => Context.Observer.Progressed("comparing", done, cases.Length));
        foreach (string warning in found.Warnings) Context.Observer.Warn(warning);
        Directory.CreateDirectory(Path.GetDirectoryName(Folder.Scores(row))!);
        ScoreFile.Write(Folder.Scores(row), found.Cases, c => data.Classes[c]);
        return $"Dice {found.Summary.Average.Metrics["dice"].Mean:F4} over {cases.Length} cases";
    }

    public override StageCost Cost(StageState state) => new($"{Context.Data.Test.Count} cases: Dice, Jaccard, ASD, 95HD");
}
