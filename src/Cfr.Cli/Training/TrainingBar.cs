using Cfr.Pipeline.Training;
using Spectre.Console;

namespace Cfr.Cli.Training;

/// <summary>A live bar with loss, speed and time left; validations and warnings scroll by above it.</summary>
sealed class TrainingBar : IDisplay
{
    readonly TaskCompletionSource _ended = new();
    readonly TaskCompletionSource<ProgressContext> _shown = new();
    readonly Task _bar;
    Pace _pace = new(0);
    ProgressTask? _reading, _training, _testing, _labelling;

    public TrainingBar()
    {
        Progress progress = AnsiConsole.Progress().AutoClear(false).HideCompleted(true).Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn());
        _bar = Task.Run(() => progress.StartAsync(async context =>
        {
            _shown.SetResult(context);
            await _ended.Task;
        }));
    }

    ProgressContext Context => _shown.Task.GetAwaiter().GetResult();

    public void Begin(IEnumerable<string> lines)
    {
        foreach (string line in lines)
            AnsiConsole.MarkupLineInterpolated($"{line}");
    }

    public void Stage(string name)
    {
        foreach (ProgressTask? task in (ProgressTask?[])[_reading, _training, _testing, _labelling]) task?.StopTask();
        (_reading, _training, _testing, _labelling) = (null, null, null, null);
        AnsiConsole.MarkupLineInterpolated($"{char.ToUpperInvariant(name[0])}{name[1..]}");
    }

    public void Loading(int done, int all)
    {
        _reading ??= Context.AddTask("reading cases", maxValue: all);
        _reading.Value = done;
    }

    public void Started(long iteration, long iterations)
    {
        _reading?.StopTask();
        _pace = new Pace(iterations);
        _training = Context.AddTask("training", maxValue: iterations);
        _training.Value = iteration;
    }

    public void Stepped(TrainingStep step)
    {
        _pace.Add(step);
        _training!.Description = Markup.Escape($"{step.Iteration}/{_training.MaxValue:F0}  {_pace}");
        _training.Value = step.Iteration;
    }

    public void Validating(int done, int all)
    {
        _testing ??= Context.AddTask("validation", maxValue: all);
        _testing.Value = done;
    }

    public void Labelling(int done, int all)
    {
        _labelling ??= Context.AddTask("labelling", maxValue: all);
        _labelling.Value = done;
    }

    public void Validated(ValidationScores scores)
    {
        _testing?.StopTask();
        _testing = null;
        AnsiConsole.MarkupLineInterpolated($"{TrainingSummary.Validated(scores)}");
    }

    public void Warn(string message) => AnsiConsole.MarkupLineInterpolated($"[yellow]warning: {message}[/]");

    public void End(bool finished, RunFolder run, string command)
    {
        Dispose();
        AnsiConsole.MarkupLineInterpolated($"{TrainingSummary.Ended(finished, run, command)}");
    }

    public void Dispose()
    {
        _ended.TrySetResult();
        _bar.GetAwaiter().GetResult();
    }
}
