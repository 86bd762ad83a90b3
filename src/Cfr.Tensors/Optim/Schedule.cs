namespace Cfr.Tensors;

/// <summary>A value as a function of the iteration 0, 1, 2, ...: learning rates.</summary>
public abstract record Schedule
{
    /// <summary>The value used at an iteration.</summary>
    public abstract double At(long iteration);
}

/// <summary>Always the same.</summary>
public sealed record ConstantSchedule(double Value) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) => Value;
}

/// <summary>Start times Factor^(number of whole periods of Every iterations that have passed).</summary>
public sealed record StepSchedule(double Start, double Factor, long Every) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) => Start * Math.Pow(Factor, iteration / Every);
}

/// <summary>Start (1 - iteration / Total)^Power, 0 from Total on.</summary>
public sealed record PolySchedule(double Start, long Total, double Power = 0.9) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) => Start * Math.Pow(Math.Max(0, 1 - (double)iteration / Total), Power);
}

/// <summary>
/// From Start down to End along half a cosine over Total iterations (Loshchilov 2017, without restarts).
/// </summary>
public sealed record CosineSchedule(double Start, long Total, double End = 0) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) =>
        End + (Start - End) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, (double)iteration / Total)));
}

/// <summary>
/// Rises in a line to After's start over Iterations: After.At(0) (i + 1) / Iterations for i below Iterations, then
/// After, counted from there.
/// </summary>
public sealed record WarmupSchedule(long Iterations, Schedule After) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) => iteration < Iterations
        ? After.At(0) * (iteration + 1) / Iterations
        : After.At(iteration - Iterations);
}

/// <summary>
/// Another schedule one iteration late: iterations 0 and 1 both see its first value. Training loops that set the rate
/// after the optimiser's step behave so.
/// </summary>
public sealed record LaggedSchedule(Schedule Inner) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration) => Inner.At(Math.Max(0, iteration - 1));
}

/// <summary>
/// Rises from Start to End along exp(-5 (1 - c / Length)^2), c = floor(iteration / Every) up to Length (Laine 2017): the
/// weights of consistency losses. At iteration 0 it is Start + (End - Start) e^-5, from Length periods on it is End; a
/// Length of 0 is End throughout.
/// </summary>
public sealed record RampSchedule(double Start, double End, long Every, long Length) : Schedule
{
    /// <inheritdoc/>
    public override double At(long iteration)
    {
        double left = Length == 0 ? 0 : 1 - (double)Math.Min(iteration / Every, Length) / Length;
        return Start + (End - Start) * Math.Exp(-5 * left * left);
    }
}
