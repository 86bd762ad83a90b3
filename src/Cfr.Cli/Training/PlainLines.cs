using System.Diagnostics;
using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>A line every few seconds, for files and pipes.</summary>
sealed class PlainLines : IDisplay
{
    static readonly TimeSpan Between = TimeSpan.FromSeconds(10);

    Pace _pace = new(0);
    long _iterations, _shown;

    public void Begin(IEnumerable<string> lines)
    {
        foreach (string line in lines) Console.WriteLine(line);
    }

    public void Stage(string name) => Console.WriteLine($"{char.ToUpperInvariant(name[0])}{name[1..]}:");

    public void Started(long iteration, long iterations)
    {
        (_pace, _iterations) = (new Pace(iterations), iterations);
        if (iteration > 0) Console.WriteLine($"Going on after iteration {iteration}");
    }

    public void Stepped(TrainingStep step)
    {
        _pace.Add(step);
        bool isEnd = step.Iteration == 1 || step.Iteration == _iterations;
        if (!isEnd && Stopwatch.GetElapsedTime(_shown) < Between) return;
        _shown = Stopwatch.GetTimestamp();
        Console.WriteLine($"iteration {step.Iteration}/{_iterations}  {_pace}");
    }

    public void Validated(ValidationScores scores) => Console.WriteLine(TrainingSummary.Validated(scores));

    public void Warn(string message) => ErrorStream.Warn(message);

    public void End(bool finished, RunFolder run, string command) => Console.WriteLine(TrainingSummary.Ended(finished, run, command));

    public void Dispose() { }
}
