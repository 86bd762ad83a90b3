using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Where output i of an axis lies between n inputs, in whole numbers: position (Step i + Offset) / Denominator, at least
/// 0. Nothing is rounded but the fraction.
/// <code>
/// linear            ((2 i + 1) n - m) / (2 m)
/// corners aligned   i (n - 1) / (m - 1)
/// nearest           i n / m, the fraction dropped
/// </code>
/// </summary>
struct AxisMap
{
    public int Step, Offset, Inputs, Outputs, IsLinear;
    public Divisor Denominator, StepDivisor;
    public float InverseOfDenominator;

    public AxisMap(int inputs, int outputs, Interpolation interpolation, bool alignCorners)
    {
        (Inputs, Outputs) = (inputs, outputs);
        IsLinear = interpolation == Interpolation.Linear ? 1 : 0;
        int denominator;
        (Step, Offset, denominator) = (IsLinear, alignCorners) switch
        {
            (0, _) => (inputs, 0, outputs),
            (_, true) => outputs > 1 ? (inputs - 1, 0, outputs - 1) : (0, 0, 1),
            _ => (2 * inputs, inputs - outputs, 2 * outputs),
        };
        _ = checked(2 * inputs * (outputs + 1));
        Denominator = new Divisor(denominator);
        StepDivisor = new Divisor(Math.Max(1, Step));
        InverseOfDenominator = 1f / denominator;
    }

    /// <summary>The inputs that an output reads: First with weight 1 - Fraction and, where it is above 0, the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AxisTap Tap(AxisMap axis, int output)
    {
        int numerator = Ptx.Max(output * axis.Step + axis.Offset, 0), first = numerator / axis.Denominator;
        int rest = numerator - first * axis.Denominator.Value;
        bool isWhole = axis.IsLinear == 0 || first >= axis.Inputs - 1;
        return new AxisTap
        {
            First = Ptx.Min(first, axis.Inputs - 1),
            Fraction = isWhole ? 0 : rest * axis.InverseOfDenominator,
        };
    }

    /// <summary>The first output whose position is at least this input; Outputs if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstAt(AxisMap axis, int input)
    {
        if (input <= 0) return 0;
        if (input >= axis.Inputs) return axis.Outputs;
        int i = (input * axis.Denominator.Value - axis.Offset + axis.StepDivisor.Value - 1) / axis.StepDivisor;
        return Ptx.Min(i, axis.Outputs);
    }
}

/// <summary>A place between two inputs.</summary>
struct AxisTap
{
    public int First;
    public float Fraction;
}
