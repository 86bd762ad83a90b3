using Cfr.Pipeline.Training;

namespace Cfr.Pipeline.Experiments;

/// <summary>Is told what an experiment does.</summary>
public interface IExperimentObserver
{
    /// <summary>A stage begins, or goes on.</summary>
    /// <param name="stage">Its name.</param>
    /// <param name="number">Which one it is, from 1.</param>
    /// <param name="count">Of how many.</param>
    void Began(string stage, int number, int count);

    /// <summary>A stage is left out: its results are there, made of the same.</summary>
    void Skipped(string stage, int number, int count);

    /// <summary>So much of the stage is done.</summary>
    void Progressed(string what, int done, int all);

    /// <summary>Who watches the training of a stage.</summary>
    ITrainingObserver Training { get; }

    /// <summary>A stage has ended.</summary>
    void Ended(string stage, TimeSpan time, string? result);

    /// <summary>A line for the user.</summary>
    void Warn(string message);
}
