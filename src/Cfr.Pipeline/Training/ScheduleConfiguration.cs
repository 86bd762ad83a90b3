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
/// <param name="Warmup">Iterations in which the rate first rises in a line.</param>
public sealed record ScheduleConfiguration(
    ScheduleKind Kind = ScheduleKind.Step, double Factor = 0.1, int Every = 2500, double Power = 0.9, int Warmup = 0)
{
    /// <summary>The schedule that begins with this rate, or rises to it.</summary>
    public Schedule Create(double start, long iterations)
    {
        Schedule falling = Kind switch
        {
            ScheduleKind.Constant => new ConstantSchedule(start),
            ScheduleKind.Step => new StepSchedule(start, Factor, Every),
            ScheduleKind.Poly or ScheduleKind.PolyLagged => new PolySchedule(start, iterations, Power),
            _ => new CosineSchedule(start, iterations),
        };
        if (Warmup > 0) falling = new WarmupSchedule(Warmup, falling);
        return Kind == ScheduleKind.PolyLagged ? new LaggedSchedule(falling) : falling;
    }

    internal void Check()
    {
        RunConfiguration.Positive("schedule.every", Every);
        if (Warmup < 0) throw new ArgumentException($"schedule.warmup is {Warmup}; expected at least 0");
        if (!(Factor > 0)) throw new ArgumentException($"schedule.factor is {Factor}; expected more than 0");
        if (!(Power > 0)) throw new ArgumentException($"schedule.power is {Power}; expected more than 0");
    }
}
