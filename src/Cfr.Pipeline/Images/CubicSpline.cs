namespace Cfr.Pipeline.Images;

/// <summary>
/// Cubic B-splines through given values (Unser 1999), mirrored about the first and the last one: coefficients by a
/// filter that runs forwards and backwards, with the pole z = sqrt 3 - 2; values from four coefficients.
/// </summary>
static class CubicSpline
{
    /// <summary>Coefficients that a value depends on.</summary>
    public const int Taps = 4;

    static readonly double Pole = Math.Sqrt(3) - 2;

    /// <summary>Values to coefficients, in place: <paramref name="count"/> of them, a stride apart.</summary>
    public static void Filter(Span<double> line, int count, int stride)
    {
        if (count == 1) return;
        double z = Pole, gain = (1 - z) * (1 - 1 / z), last = Math.Pow(z, count - 1);
        for (int i = 0; i < count; i++) line[i * stride] *= gain;
        // The forward filter begins with the sum over the endlessly mirrored line.
        double first = line[0] + last * line[(count - 1) * stride], power = z;
        for (int i = 1; i < count - 1; i++, power *= z)
            first += power * (line[i * stride] + last * line[(count - 1 - i) * stride]);
        line[0] = first / (1 - last * last);
        for (int i = 1; i < count; i++) line[i * stride] += z * line[(i - 1) * stride];
        int end = (count - 1) * stride;
        line[end] = (z * line[end - stride] + line[end]) * z / (z * z - 1);
        for (int i = count - 2; i >= 0; i--) line[i * stride] = z * (line[(i + 1) * stride] - line[i * stride]);
    }

    /// <summary>Which coefficients count at a place in [0, count - 1], and how much.</summary>
    public static void At(double place, int count, Span<int> taps, Span<double> weights)
    {
        int below = (int)Math.Floor(place);
        double t = place - below, u = 1 - t;
        weights[0] = u * u * u / 6;
        weights[1] = (t * t * (t - 2) * 3 + 4) / 6;
        weights[2] = (u * u * (u - 2) * 3 + 4) / 6;
        weights[3] = t * t * t / 6;
        for (int j = 0; j < Taps; j++) taps[j] = Mirror(below - 1 + j, count);
    }

    static int Mirror(int i, int count)
    {
        if (count == 1) return 0;
        int period = 2 * (count - 1), within = ((i % period) + period) % period;
        return Math.Min(within, period - within);
    }
}
