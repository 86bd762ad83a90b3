namespace Cfr.Pipeline.Experiments;

/// <summary>What is to be done in a stage, and what it will take.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="State">Whether there is something to do.</param>
/// <param name="Work">Steps and sizes, in words.</param>
/// <param name="Steps">Steps of a training, windows of an inference, that are left; 0 where there are none to count.</param>
/// <param name="SecondsAStep">Measured; null for what takes moments.</param>
/// <param name="DeviceBytes">The most memory of the device that a step had.</param>
/// <param name="ExtraSeconds">Time beside the steps: labels between the rounds of self-training.</param>
public sealed record PlannedStage(
    string Stage, StageState State, string Work, long Steps = 0, double? SecondsAStep = null, long? DeviceBytes = null,
    double ExtraSeconds = 0)
{
    /// <summary>Time of what is left; validations during a training are not counted.</summary>
    public double? Seconds => State == StageState.Done ? 0 : Steps * SecondsAStep + ExtraSeconds;
}

/// <summary>What is known of a stage's results.</summary>
public enum StageState
{
    /// <summary>Nothing, or made of something else.</summary>
    ToDo,
    /// <summary>They are begun.</summary>
    Begun,
    /// <summary>They are there.</summary>
    Done,
}

/// <summary>
/// What an experiment would do: nothing is written. Times and memory are those of a step of each kind, done on random numbers of
/// the real sizes, with the real networks, on the device that will do the work.
/// </summary>
public static class ExperimentPlan
{
    /// <summary>Plans an experiment whose settings have been checked.</summary>
    /// <param name="run">The experiment.</param>
    /// <param name="progress">Told which stage is being measured.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static IReadOnlyList<PlannedStage> Of(ExperimentRun run, Action<string>? progress = null)
    {
        var planned = new List<PlannedStage>();
        foreach (Stage stage in run.Stages)
        {
            run.Stop.ThrowIfCancellationRequested();
            StageState state = run.PlannedStateOf(stage);
            progress?.Invoke(stage.Name);
            StageCost cost = stage.Cost(state);
            planned.Add(new PlannedStage(
                stage.Name, state, cost.Work, cost.Steps, cost.Step?.Seconds, cost.Step?.DeviceBytes, cost.ExtraSeconds));
        }
        return planned;
    }
}

/// <summary>What a stage takes.</summary>
/// <param name="Work">Steps and sizes, in words.</param>
/// <param name="Steps">How many steps.</param>
/// <param name="Step">What one takes; null for what takes moments, and for what is done.</param>
/// <param name="ExtraSeconds">Time beside the steps.</param>
sealed record StageCost(string Work, long Steps = 0, StepCost? Step = null, double ExtraSeconds = 0);
