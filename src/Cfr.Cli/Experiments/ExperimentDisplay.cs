using System.Text.Json;
using Cfr.Cli.Training;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Training;
using Spectre.Console;

namespace Cfr.Cli.Experiments;

/// <summary>An experiment on the console: a line a stage, and while it runs a bar or a line now and then.</summary>
sealed class ExperimentDisplay(bool isJson) : IExperimentObserver, IDisposable
{
    IDisplay? _training;
    ProgressLines? _lines;
    string _what = "";

    public ITrainingObserver Training => _training ??= IDisplay.Open(isJson);

    public void Began(string stage, int number, int count)
    {
        if (isJson) Print(new { stage, state = "began" });
        else Console.WriteLine($"[{number}/{count}] {stage}");
    }

    public void Skipped(string stage, int number, int count)
    {
        if (isJson) Print(new { stage, state = "skipped" });
        else Console.WriteLine($"[{number}/{count}] {stage}: done before");
    }

    public void Progressed(string what, int done, int all)
    {
        if (isJson) return;
        if (_lines is null || what != _what) (_lines, _what) = (new ProgressLines($"  {what}", Console.Error, TimeProvider.System), what);
        _lines.Tell(done, all);
    }

    public void Ended(string stage, TimeSpan time, string? result)
    {
        Close();
        if (isJson) Print(new { stage, state = "ended", seconds = Math.Round(time.TotalSeconds, 2), result });
        else Console.WriteLine($"  {TrainingSummary.Time(time.TotalSeconds)}{(result is null ? "" : $"  {result}")}");
    }

    public void Warn(string message) => ErrorStream.Warn(message);

    /// <summary>A step of this stage is being measured.</summary>
    public void Measuring(string stage) => Console.Error.WriteLine($"measuring: {stage}");

    /// <summary>What came of it.</summary>
    public void End(bool finished, ExperimentFolder folder)
    {
        Close();
        if (isJson)
        {
            Print(new { finished, folder = folder.Root, report = finished ? folder.Report : null });
            return;
        }
        if (!finished)
        {
            Console.WriteLine("Stopped. The same command goes on from here.");
            return;
        }
        ScoresTable.Print(folder);
        Console.WriteLine($"Report: {folder.Report}");
    }

    public void Dispose() => Close();

    void Close()
    {
        _training?.Dispose();
        (_training, _lines) = (null, null);
    }

    static void Print(object line) => Console.WriteLine(JsonSerializer.Serialize(line));
}
