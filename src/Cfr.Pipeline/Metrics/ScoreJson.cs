using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cfr.Pipeline.Metrics;

/// <summary>
/// Scores as JSON: <c>distanceUnit</c>, <c>cases</c> with each class of each case, <c>summary</c> by class and over all
/// classes, <c>warnings</c>.
/// </summary>
static class ScoreJson
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The document.</summary>
    public static JsonObject Of(
        IReadOnlyCollection<CaseScore> cases, Func<int, string> nameOf, string unit, IEnumerable<string> warnings)
    {
        ScoreSummary summary = ScoreSummary.Of(cases);
        return new JsonObject
        {
            ["distanceUnit"] = unit,
            ["cases"] = Array(cases, scored => new JsonObject
            {
                ["case"] = scored.Case,
                ["classes"] = Array(scored.Classes, score => Of(score, nameOf(score.Class))),
            }),
            ["summary"] = new JsonObject
            {
                ["cases"] = summary.Cases,
                ["classes"] = Array(summary.Classes, row => Of(row, nameOf(row.Class))),
                ["average"] = Of(summary.Average, "average"),
            },
            ["warnings"] = Array(warnings, warning => JsonValue.Create(warning)),
        };
    }

    /// <summary>The scores of a document; its means are computed anew.</summary>
    /// <exception cref="JsonException">It is no such document.</exception>
    public static StoredScores Parse(string text)
    {
        Document found = JsonSerializer.Deserialize<Document>(text, Options)
            ?? throw new JsonException("found null; expected an object");
        CaseScore[] cases = [.. found.Cases.Select(scored => new CaseScore(scored.Case, [.. scored.Classes.Select(Score)]))];
        var names = found.Cases.SelectMany(scored => scored.Classes).DistinctBy(score => score.Class)
            .ToDictionary(score => score.Class, score => score.Name ?? $"class {score.Class}");
        return new StoredScores(cases, names, found.DistanceUnit ?? "voxel");
    }

    static ClassScore Score(ClassEntry entry)
    {
        double Value(string metric) => entry.Metrics.GetValueOrDefault(metric);
        return new ClassScore(
            entry.Class, entry.PredictedVoxels, entry.TrueVoxels, Value("dice"), Value("jaccard"), Value("asd"),
            Value("hd95"), Value("asd_mirrored"), Value("assd"), Value("hd"));
    }

    static JsonObject Of(ClassScore score, string name) => new()
    {
        ["class"] = score.Class,
        ["name"] = name,
        ["metrics"] = Metrics(metric => metric.Of(score)),
        ["predictedVoxels"] = score.PredictedVoxels,
        ["trueVoxels"] = score.TrueVoxels,
        ["isPredictionEmpty"] = score.IsPredictionEmpty,
        ["isTruthEmpty"] = score.IsTruthEmpty,
    };

    static JsonObject Of(ClassSummary summary, string name) => new()
    {
        ["class"] = summary.Class,
        ["name"] = name,
        ["metrics"] = Metrics(metric => new JsonObject
        {
            ["mean"] = summary.Metrics[metric.Name].Mean,
            ["deviation"] = summary.Metrics[metric.Name].Deviation,
        }),
        ["emptyPredictions"] = summary.EmptyPredictions,
        ["emptyTruths"] = summary.EmptyTruths,
    };

    static JsonObject Metrics(Func<Metric, JsonNode> value) =>
        new(Metric.All.Select(metric => KeyValuePair.Create(metric.Name, (JsonNode?)value(metric))));

    static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> node) => new([.. items.Select(node)]);

    sealed record Document(IReadOnlyList<CaseEntry> Cases, string? DistanceUnit = null);

    sealed record CaseEntry(string Case, IReadOnlyList<ClassEntry> Classes);

    sealed record ClassEntry(
        int Class, IReadOnlyDictionary<string, double> Metrics, string? Name = null, long PredictedVoxels = 0,
        long TrueVoxels = 0);
}
