namespace Cfr.Kernels.Tests;

/// <summary>Inputs and comparisons.</summary>
static class Numbers
{
    /// <summary>Uniform in [low, high), the same for the same seed.</summary>
    public static float[] Draw(long count, int seed = 1, float low = -1, float high = 1)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++) values[i] = low + (high - low) * random.NextSingle();
        return values;
    }

    public static double[] Doubles(this float[] values) => Array.ConvertAll(values, value => (double)value);

    /// <summary>|got - want| at most relative |want| + absolute, in every element; NaN equals NaN.</summary>
    public static void AssertClose(double[] want, float[] got, double relative, double absolute = 0)
    {
        Assert.Equal(want.Length, got.Length);
        int worst = -1;
        double worstExcess = 0;
        for (int i = 0; i < want.Length; i++)
        {
            if (want[i] == got[i] || (double.IsNaN(want[i]) && float.IsNaN(got[i]))) continue;
            double excess = Math.Abs(got[i] - want[i]) / (relative * Math.Abs(want[i]) + absolute);
            if (excess <= 1 || excess <= worstExcess) continue;
            (worst, worstExcess) = (i, double.IsNaN(excess) ? double.PositiveInfinity : excess);
        }
        for (int i = 0; i < want.Length && worst < 0; i++)
            if (double.IsNaN(want[i]) != float.IsNaN(got[i]))
                worst = i;
        Assert.True(worst < 0, worst < 0
            ? ""
            : $"element {worst} is {got[worst]:G9}, expected {want[worst]:G9}, {worstExcess:F1} times what is allowed");
    }
}
