using System.Globalization;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Images;

/// <summary>Which intensities become black and white.</summary>
/// <param name="Low">What is black.</param>
/// <param name="High">What is white.</param>
/// <param name="ArePercentiles">Whether they are percentiles of the volume's voxels, or intensities themselves.</param>
public readonly record struct GrayWindow(double Low, double High, bool ArePercentiles)
{
    /// <summary>The middle 99 % of the volume's voxels.</summary>
    public static readonly GrayWindow Usual = new(0.5, 99.5, ArePercentiles: true);

    /// <summary>As intensities of a volume.</summary>
    public (double Low, double High) Of(Volume volume)
    {
        if (!ArePercentiles) return (Low, High);
        var percentiles = Intensities.Of(volume.Voxels, Low, High).Percentiles;
        return percentiles.Count == 2 ? (percentiles[0].Value, percentiles[1].Value) : (0, 0);
    }

    /// <summary>
    /// <c>-125,275</c> in intensities, <c>1%,99%</c> in percentiles, or <c>minmax</c>; null if it is none.
    /// </summary>
    public static GrayWindow? Parse(string text)
    {
        if (text == "minmax") return new GrayWindow(0, 100, ArePercentiles: true);
        string[] words = text.Split(',');
        bool percent = words.All(word => word.EndsWith('%'));
        double?[] ends =
        [
            .. words.Select(word => double.TryParse(
                percent ? word[..^1] : word, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : (double?)null),
        ];
        return ends is [double low, double high] && low < high && (!percent || low >= 0 && high <= 100)
            ? new GrayWindow(low, high, percent)
            : null;
    }
}
