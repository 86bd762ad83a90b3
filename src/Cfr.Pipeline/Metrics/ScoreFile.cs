using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Metrics;

/// <summary>Scores read from a file.</summary>
/// <param name="Cases">Case by case.</param>
/// <param name="Names">Names of the classes from 1 on.</param>
/// <param name="DistanceUnit"><c>voxel</c> or <c>mm</c>.</param>
public sealed record StoredScores(
    IReadOnlyList<CaseScore> Cases, IReadOnlyDictionary<int, string> Names, string DistanceUnit);

/// <summary>
/// Scores in a file: JSON if its name ends in <c>.json</c>, the document that <c>cfr evaluate --json</c> prints; else
/// comma-separated values, a line for each class of each case.
/// </summary>
public static class ScoreFile
{
    static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cases">The scores.</param>
    /// <param name="nameOf">Name of a class.</param>
    /// <param name="unit">Of distances, for JSON.</param>
    public static void Write(string path, IReadOnlyCollection<CaseScore> cases, Func<int, string> nameOf, string unit = "voxel")
    {
        bool isJson = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        AtomicFile.WriteText(path, isJson ? Json(cases, nameOf, unit, []).ToJsonString(Indented) + "\n" : Csv(cases, nameOf));
    }

    /// <summary>Reads a file of JSON.</summary>
    /// <exception cref="BadDataException">It holds no scores; the message names the line.</exception>
    public static StoredScores Read(string path)
    {
        try
        {
            return ScoreJson.Parse(File.ReadAllText(path));
        }
        catch (JsonException fault)
        {
            throw DamagedJson.In(path, fault);
        }
    }

    /// <summary>Scores as one JSON document.</summary>
    public static JsonObject Json(
        IReadOnlyCollection<CaseScore> cases, Func<int, string> nameOf, string unit, IEnumerable<string> warnings) =>
        ScoreJson.Of(cases, nameOf, unit, warnings);

    static string Csv(IEnumerable<CaseScore> cases, Func<int, string> nameOf)
    {
        var text = new StringBuilder("case,class,name,");
        text.AppendJoin(',', Metric.All.Select(metric => metric.Name)).Append(",predicted_voxels,true_voxels,empty\n");
        foreach (CaseScore scored in cases)
            foreach (ClassScore score in scored.Classes)
            {
                text.Append(Quoted(scored.Case)).Append(',').Append(score.Class).Append(',').Append(Quoted(nameOf(score.Class)));
                foreach (Metric metric in Metric.All)
                    text.Append(',').Append(metric.Of(score).ToString("R", CultureInfo.InvariantCulture));
                text.Append(CultureInfo.InvariantCulture, $",{score.PredictedVoxels},{score.TrueVoxels},{Empty(score)}\n");
            }
        return text.ToString();
    }

    static string Empty(ClassScore score) => (score.IsPredictionEmpty, score.IsTruthEmpty) switch
    {
        (true, true) => "both",
        (true, false) => "prediction",
        (false, true) => "reference",
        _ => "",
    };

    static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";
}
