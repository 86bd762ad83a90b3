namespace Cfr.Pipeline.Images;

/// <summary>
/// How a line of n pixels becomes one of m, bilinear with antialiasing: with s = n / m, S = max(s, 1) and the centre c
/// = (i + 1/2) s, pixel j counts max(0, 1 - |j + 1/2 - c| / S) for output i, and all that count sum up to 1. Enlarging,
/// this is plain bilinear.
/// </summary>
sealed class TriangleTaps
{
    readonly int[] _first;
    readonly double[][] _weights;

    public TriangleTaps(int from, int to)
    {
        _first = new int[to];
        _weights = new double[to][];
        double scale = (double)from / to, support = Math.Max(scale, 1);
        for (int i = 0; i < to; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0), end = Math.Min((int)(centre + support + 0.5), from);
            double[] weights = new double[end - first];
            for (int j = 0; j < weights.Length; j++)
                weights[j] = Math.Max(0, 1 - Math.Abs((j + first - centre + 0.5) * (1 / support)));
            double sum = weights.Sum();
            for (int j = 0; j < weights.Length; j++) weights[j] /= sum;
            (_first[i], _weights[i]) = (first, weights);
        }
    }

    /// <summary>The first pixel that counts for output i.</summary>
    public int First(int i) => _first[i];

    /// <summary>Weights of that pixel and those after it.</summary>
    public ReadOnlySpan<double> Weights(int i) => _weights[i];
}
