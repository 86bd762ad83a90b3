using System.Text.Json.Nodes;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>Scores of whole volumes at one moment of the training.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="Cases">Dice and Jaccard; distances are not measured.</param>
public sealed record ValidationScores(long Iteration, IReadOnlyList<CaseScore> Cases)
{
    /// <summary>Mean Dice of each class from 1 on, over the cases.</summary>
    public IReadOnlyList<double> DiceByClass { get; } =
    [
        .. Enumerable.Range(0, Cases[0].Classes.Count).Select(c => Cases.Average(scored => scored.Classes[c].Dice)),
    ];

    /// <summary>Unweighted mean over the classes.</summary>
    public double Dice => DiceByClass.Average();

    /// <summary>A line of the log.</summary>
    public JsonObject ToJson() => new()
    {
        ["iteration"] = Iteration,
        ["validation"] = new JsonObject
        {
            ["dice"] = Dice,
            ["diceByClass"] = new JsonArray([.. DiceByClass.Select(dice => (JsonNode)dice)]),
            ["cases"] = new JsonArray([.. Cases.Select(scored => (JsonNode)new JsonObject
            {
                ["case"] = scored.Case,
                ["dice"] = Numbers(scored, score => score.Dice),
                ["predicted"] = Numbers(scored, score => score.PredictedVoxels),
                ["true"] = Numbers(scored, score => score.TrueVoxels),
            })]),
        },
    };

    /// <summary>The scores of a line, or null if it is of something else.</summary>
    internal static ValidationScores? FromJson(JsonObject line) => line["validation"] is not JsonObject scores
        ? null
        : new ValidationScores((long)line["iteration"]!,
        [
            .. scores["cases"]!.AsArray().Select(entry => new CaseScore((string)entry!["case"]!,
            [
                .. entry["dice"]!.AsArray().Select((dice, c) => new ClassScore(
                    c + 1, (long)entry["predicted"]![c]!, (long)entry["true"]![c]!, (double)dice!)),
            ])),
        ]);

    static JsonArray Numbers(CaseScore scored, Func<ClassScore, JsonNode> number) =>
        new([.. scored.Classes.Select(number)]);
}

/// <summary>Segments whole volumes with the network as it is, and compares.</summary>
sealed class Validation(
    Session session, IVolumeNetwork network, ValidationConfiguration configuration, GridSize patch, IReadOnlyList<Case> cases, CaseStore store)
{
    /// <summary>The scores, or null if it was stopped.</summary>
    public ValidationScores? Run(long iteration, ITrainingObserver observer, CancellationToken stop)
    {
        var scores = new List<CaseScore>();
        network.Weights.Training = false;
        try
        {
            foreach (Case each in cases)
            {
                observer.Validating(scores.Count, cases.Count);
                if (stop.IsCancellationRequested) return null;
                LoadedCase loaded = store.Get(each);
                LabelMap found = configuration.Windows(patch).Predict(
                    session, network.Logits, new Volume(loaded.Geometry, loaded.Image)).Labels;
                scores.Add(CaseScore.Of(
                    each.Name, found, new LabelMap(loaded.Geometry, loaded.Label!), network.Classes,
                    distances: false));
            }
        }
        finally
        {
            network.Weights.Training = true;
        }
        return new ValidationScores(iteration, scores);
    }
}
