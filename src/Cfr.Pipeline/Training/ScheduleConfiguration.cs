using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>How a learning rate falls.</summary>
public enum ScheduleKind
{
    /// <summary>Not at all.</summary>
    Constant,
    /// <summary>By a factor after every so many iterations.</summary>
    Step,
    /// <summary>As (1 - t / iterations)^power.</summary>
    Poly,
    /// <summary>The same one iteration late, as programs have it that set the rate before they count.</summary>
    PolyLagged,
    /// <summary>Along half a cosine.</summary>
    Cosine,
}

/// <summary>A learning rate by iteration.</summary>
/// <param name="Kind">Its form.</param>
/// <param name="Factor">Of a step.</param>
/// <param name="Every">Iterations from step to step.</param>
/// <param name="Power">Of a polynomial.</param>
public sealed record ScheduleConfiguration(
    ScheduleKind Kind = ScheduleKind.Step, double Factor = 0.1, int Every = 2500, double Power = 0.9)
{
    /// <summary>The schedule that begins with this rate.</summary>
    public Schedule Create(double start, long iterations) => Kind switch
    {
        ScheduleKind.Constant => new ConstantSchedule(start),
        ScheduleKind.Step => new StepSchedule(start, Factor, Every),
        ScheduleKind.Poly => new PolySchedule(start, iterations, Power),
        ScheduleKind.PolyLagged => new LaggedSchedule(new PolySchedule(start, iterations, Power)),
        _ => new CosineSchedule(start, iterations),
    };

    internal void Check()
    {
        TrainingConfiguration.Positive("schedule.every", Every);
        if (!(Factor > 0)) throw new ArgumentException($"schedule.factor is {Factor}; expected more than 0");
        if (!(Power > 0)) throw new ArgumentException($"schedule.power is {Power}; expected more than 0");
    }
}
