using System.Diagnostics;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;

namespace Cfr.Pipeline.Training;

/// <summary>A step that the device may still be at.</summary>
/// <param name="Iteration">Iterations done with it.</param>
/// <param name="Cases">Cases of its batch.</param>
/// <param name="LearningRate">Its rate.</param>
/// <param name="Began">When it was begun.</param>
/// <param name="Values">The loss and its parts.</param>
/// <param name="Names">Names of the parts.</param>
sealed record StartedStep(
    long Iteration, IReadOnlyList<Case> Cases, double LearningRate, long Began, Arrival Values, IReadOnlyList<string> Names)
{
    /// <summary>Waits for its losses.</summary>
    /// <param name="before">When the step before it ended; its time counts from there, if that is later than its beginning.</param>
    /// <exception cref="DivergedException">The loss is no number.</exception>
    public TrainingStep Finish(long before)
    {
        float[] values = Values.Wait();
        float loss = values[0];
        (string Name, float Value)[] parts = [.. Names.Zip(values.Skip(1))];
        if (!float.IsFinite(loss))
            throw new DivergedException(
                $"iteration {Iteration}: the loss is {loss} (" + string.Join(", ", parts.Select(part => $"{part.Name} {part.Value}"))
                + $") on {string.Join(", ", Cases.Select(each => each.Name).Distinct())}");
        return new TrainingStep(
            Iteration, loss, parts, LearningRate, Stopwatch.GetElapsedTime(Math.Max(Began, before)).TotalSeconds);
    }
}
