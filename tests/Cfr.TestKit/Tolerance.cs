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
}
