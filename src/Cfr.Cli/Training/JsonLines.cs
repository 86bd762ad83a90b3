using System.Text.Json.Nodes;
using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>The lines of the log, and at the end what became of the run; warnings go to the error stream.</summary>
sealed class JsonLines : IDisplay
{
    public void Begin(IEnumerable<string> lines) { }

    public void Stepped(TrainingStep step) => Console.WriteLine(step.ToJson().ToJsonString());

    public void Validated(ValidationScores scores) => Console.WriteLine(scores.ToJson().ToJsonString());

    public void Warn(string message) => ErrorStream.Warn(message);

    public void End(bool finished, RunFolder run, string command) => Console.WriteLine(
        new JsonObject { ["finished"] = finished, ["model"] = run.Model, ["run"] = run.Root }.ToJsonString());

    public void Dispose() { }
}
