namespace Cfr.Pipeline.Volumes;

/// <summary>What values a volume holds. NaN and infinities are counted and otherwise left out.</summary>
public sealed record Intensities
{
    const int HalfBits = 16, Halves = 1 << HalfBits;

    /// <summary>All voxels.</summary>
    public long Count { get; private init; }

    /// <summary>Voxels that are NaN.</summary>
    public long NaN { get; private init; }

    /// <summary>Voxels that are infinite (or too large for float32).</summary>
    public long Infinite { get; private init; }

    /// <summary>Least; NaN, as those below, if no voxel is finite.</summary>
    public float Minimum { get; private init; } = float.NaN;

    /// <summary>Greatest.</summary>
    public float Maximum { get; private init; } = float.NaN;

    /// <summary>Mean.</summary>
    public double Mean { get; private init; } = double.NaN;

    /// <summary>Standard deviation of the population.</summary>
    public double Deviation { get; private init; } = double.NaN;

    /// <summary>Percent and value, interpolated between ranks as NumPy's percentile does.</summary>
    public IReadOnlyList<(double Percent, double Value)> Percentiles { get; private init; } = [];

    /// <summary>How often each class occurs, if all voxels are whole numbers from 0 to 255; else null.</summary>
    public IReadOnlyDictionary<int, long>? Classes { get; private init; }

    /// <summary>Of all voxels.</summary>
    /// <param name="voxels">Any order.</param>
    /// <param name="percents">From 0 to 100.</param>
    public static Intensities Of(ReadOnlySpan<float> voxels, params ReadOnlySpan<double> percents)
    {
        long nan = 0, infinite = 0;
        float least = float.PositiveInfinity, most = float.NegativeInfinity;
        double sum = 0;
        var classes = new long[256];
        bool isWhole = voxels.Length > 0;
        foreach (float value in voxels)
        {
            byte whole = (byte)value;
            if (whole == value) classes[whole]++;
            else isWhole = false;
            if (!float.IsFinite(value))
            {
                if (float.IsNaN(value)) nan++;
                else infinite++;
                continue;
            }
            (least, most) = (Math.Min(least, value), Math.Max(most, value));
            sum += value;
        }
        long count = voxels.Length - nan - infinite;
        if (count == 0) return new Intensities { Count = voxels.Length, NaN = nan, Infinite = infinite };
        double mean = sum / count, squares = 0;
        foreach (float value in voxels)
            if (float.IsFinite(value)) squares += (value - mean) * (value - mean);
        return new Intensities
        {
            Count = voxels.Length,
            NaN = nan,
            Infinite = infinite,
            Minimum = least,
            Maximum = most,
            Mean = mean,
            Deviation = Math.Sqrt(squares / count),
            Percentiles = PercentilesOf(voxels, count, percents),
            Classes = isWhole
                ? Enumerable.Range(0, 256).Where(c => classes[c] > 0).ToDictionary(c => c, c => classes[c])
                : null,
        };
    }

    static List<(double Percent, double Value)> PercentilesOf(
        ReadOnlySpan<float> voxels, long count, ReadOnlySpan<double> percents)
    {
        var result = new List<(double Percent, double Value)>();
        if (percents.IsEmpty) return result;
        var upper = new long[Halves];
        foreach (float value in voxels)
            if (float.IsFinite(value)) upper[Order(value) >> HalfBits]++;
        var lower = new Dictionary<int, long[]>();
        foreach (double percent in percents)
        {
            double rank = percent / 100 * (count - 1);
            double before = Ranked(voxels, upper, lower, (long)rank);
            double after = Ranked(voxels, upper, lower, Math.Min((long)rank + 1, count - 1));
            result.Add((percent, before + (after - before) * (rank - Math.Floor(rank))));
        }
        return result;
    }

    /// <summary>
    /// The value with this rank among the finite ones: a histogram of the upper 16 bits finds its bin, a histogram of
    /// the lower 16 of those in the bin finds it. Exact, in two passes, without a sorted copy.
    /// </summary>
    static float Ranked(ReadOnlySpan<float> voxels, long[] upper, Dictionary<int, long[]> lower, long rank)
    {
        int bin = Find(upper, ref rank);
        if (!lower.TryGetValue(bin, out long[]? within))
        {
            lower[bin] = within = new long[Halves];
            foreach (float value in voxels)
            {
                uint order = Order(value);
                if (order >> HalfBits == bin && float.IsFinite(value)) within[order & (Halves - 1)]++;
            }
        }
        uint found = ((uint)bin << HalfBits) + (uint)Find(within, ref rank);
        return BitConverter.UInt32BitsToSingle((found & 0x8000_0000) != 0 ? found ^ 0x8000_0000 : ~found);
    }

    static int Find(long[] histogram, ref long rank)
    {
        int bin = 0;
        while (rank >= histogram[bin]) rank -= histogram[bin++];
        return bin;
    }

    /// <summary>Whole numbers that are ordered as the floats are.</summary>
    static uint Order(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }
}
