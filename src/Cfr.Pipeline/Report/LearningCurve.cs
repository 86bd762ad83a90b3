using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cfr.Pipeline.Report;

/// <summary>How a training went: what <c>log.jsonl</c> holds of it.</summary>
/// <param name="Loss">Iteration and loss of each step.</param>
/// <param name="Dice">Iteration and mean Dice, 0 to 1, of each validation.</param>
public sealed record LearningCurve(
    IReadOnlyList<(long Iteration, double Value)> Loss, IReadOnlyList<(long Iteration, double Value)> Dice)
{
    /// <summary>Shares of the steps over which <see cref="Smoothed"/> averages: a fiftieth.</summary>
    public const int Shares = 50;

    /// <summary>Reads a log. A last line that was cut short is left out.</summary>
    /// <exception cref="BadDataException">Another line is no JSON object with an iteration.</exception>
    public static LearningCurve Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        int last = Array.FindLastIndex(lines, line => line.Trim() != "");
        List<(long, double)> loss = [], dice = [];
        for (int i = 0; i <= last; i++)
        {
            try
            {
                JsonObject entry = JsonNode.Parse(lines[i]) as JsonObject ?? throw new JsonException("found no object");
                long iteration = Number<long>(entry, "iteration") ?? throw new JsonException("found no iteration");
                if (Number<double>(entry, "loss") is { } value) loss.Add((iteration, value));
                if (entry["validation"] is JsonObject scores && Number<double>(scores, "dice") is { } score)
                    dice.Add((iteration, score));
            }
            catch (JsonException) when (i == last && i > 0)
            {
                break;
            }
            catch (JsonException fault)
            {
                throw DamagedJson.In(path, fault, i + 1);
            }
        }
        return new LearningCurve(loss, dice);
    }

    /// <summary>Mean loss of the last fiftieth of the steps up to each.</summary>
    public IReadOnlyList<(long Iteration, double Value)> Smoothed()
    {
        int width = Math.Max(1, Loss.Count / Shares);
        var means = new (long, double)[Loss.Count];
        double sum = 0;
        for (int i = 0; i < means.Length; i++)
        {
            sum += Loss[i].Value - (i >= width ? Loss[i - width].Value : 0);
            means[i] = (Loss[i].Iteration, sum / Math.Min(width, i + 1));
        }
        return means;
    }

    static T? Number<T>(JsonObject entry, string key) where T : struct => entry[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue(out T number) => number,
        var other => throw new JsonException($"{key} is {other.ToJsonString()}; expected a number"),
    };
}
