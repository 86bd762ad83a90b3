using Cfr.Kernels;

namespace Cfr.TestKit;

/// <summary>Where tolerances come from.</summary>
public static class Tolerance
{
    const double Epsilon = 1.0 / (1 << 23);

    /// <summary>
    /// Relative to the largest element, for sums of <paramref name="terms"/> float32 products in any order: rounding
    /// errors add up like a random walk, c sqrt(K) eps, with c = 4 for the worst of many elements.
    /// </summary>
    public static double ForSum(double terms) => 4 * Math.Sqrt(Math.Max(terms, 1)) * Epsilon;

    /// <summary>
    /// The same for sums of products whose factors are rounded to a precision first, by u of themselves at most: a
    /// product is off by 2 u of itself. Errors and products add up as random walks of as many steps, so that the
    /// ratio does not grow with K: 2 u of the largest element, twice that for the worst of many. The sum itself is
    /// one of float32.
    /// </summary>
    public static double ForSum(double terms, Precision precision) =>
        ForSum(terms) + (precision == Precision.Float32 ? 0 : 4 * UnitRoundoff(precision));

    /// <summary>Half the distance from 1 to the next number: TF32 has 10 bits after the point, bfloat16 7.</summary>
    static double UnitRoundoff(Precision precision) => precision == Precision.TF32 ? 1.0 / (1 << 11) : 1.0 / (1 << 8);
}
