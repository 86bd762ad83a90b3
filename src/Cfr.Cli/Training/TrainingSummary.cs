using System.Text.Json;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>What people are told before, during and after a run.</summary>
static class TrainingSummary
{
    public static IEnumerable<string> Lines(
        RunConfiguration configuration, DataSet data, Device device, IVolumeNetwork network)
    {
        int labelled = configuration.Labelled ?? data.Train.Count;
        long parameters = network.Weights.Parameters.Sum(weight => weight.Tensor.Count);
        long trained = network.Weights.Parameters.Where(weight => weight.Tensor.RequiresGrad).Sum(weight => weight.Tensor.Count);
        var training = configuration as TrainingConfiguration;
        string unlabelled = training is { IsSemiSupervised: true } ? $" and {data.Train.Count - labelled} unlabelled" : "";
        yield return $"Data: {data.Name}, {labelled} labelled{unlabelled} cases; classes {string.Join(", ", data.Classes)}";
        if (training is not null)
            yield return $"Method: {JsonNamingPolicy.KebabCaseLower.ConvertName($"{training.Method}")}{PseudoLabels(training)}";
        yield return $"Network: {network.Name}, {parameters:N0} parameters"
            + (trained < parameters ? $", of which {trained:N0} are trained" : "");
        yield return $"Training: {configuration.Iterations:N0} iterations of {configuration.Batch} patches {configuration.Patch}, "
            + $"seed {configuration.Seed}, on {device.Name} ({device.Description})";
    }

    static string PseudoLabels(TrainingConfiguration training) => training.PseudoLabels is { } labels
        ? $", pseudo labels from the {labels.From.ToString().ToLowerInvariant()} {labels.Path} (weight {labels.Weight})"
        : "";

    public static string Validated(ValidationScores scores) =>
        $"validation after {scores.Iteration}: Dice {scores.Dice:F4} on {scores.Cases.Count} cases"
        + (scores.DiceByClass.Count > 1 ? $" ({string.Join(", ", scores.DiceByClass.Select(dice => $"{dice:F3}"))})" : "");

    public static string Ended(bool finished, RunFolder run, string command) => finished
        ? $"Done. The network is {run.Model}"
        : $"Stopped. Continue with: {command} --resume --out {run.Root}";

    public static string Time(double seconds) => TimeSpan.FromSeconds(Math.Max(0, seconds)) switch
    {
        { TotalDays: >= 1 } days => $"{days.TotalDays:F1} d",
        { TotalHours: >= 1 } hours => $"{(int)hours.TotalHours}:{hours.Minutes:D2} h",
        var minutes => $"{(int)minutes.TotalMinutes}:{minutes.Seconds:D2}",
    };
}
