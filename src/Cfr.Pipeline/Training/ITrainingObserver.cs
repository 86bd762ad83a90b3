using System.Text.Json.Nodes;

namespace Cfr.Pipeline.Training;

/// <summary>One step of a run.</summary>
/// <param name="Iteration">Iterations done, this one included.</param>
/// <param name="Loss">What was minimised, before the step.</param>
/// <param name="Parts">Its parts.</param>
/// <param name="LearningRate">Rate of the step.</param>
/// <param name="Seconds">Time that it took, waiting for its batch included.</param>
public sealed record TrainingStep(
    long Iteration, float Loss, IReadOnlyList<(string Name, float Value)> Parts, double LearningRate, double Seconds)
{
    /// <summary>A line of the log.</summary>
    public JsonObject ToJson()
    {
        var line = new JsonObject { ["iteration"] = Iteration, ["loss"] = Loss };
        foreach (var (name, value) in Parts) line[name] = value;
        line["learningRate"] = LearningRate;
        line["seconds"] = Math.Round(Seconds, 4);
        return line;
    }
}

/// <summary>Is told what a run does.</summary>
public interface ITrainingObserver
{
    /// <summary>One of several trainings of a run begins, or what is done between two of them.</summary>
    void Stage(string name) { }

    /// <summary>Cases are being read.</summary>
    void Loading(int done, int all) { }

    /// <summary>The run begins, or goes on.</summary>
    void Started(long iteration, long iterations) { }

    /// <summary>A step is done.</summary>
    void Stepped(TrainingStep step) { }

    /// <summary>Cases are being tested on.</summary>
    void Validating(int done, int all) { }

    /// <summary>Cases are being given labels.</summary>
    void Labelling(int done, int all) { }

    /// <summary>Cases have been tested on.</summary>
    void Validated(ValidationScores scores) { }

    /// <summary>A line for the user.</summary>
    void Warn(string message) { }
}
