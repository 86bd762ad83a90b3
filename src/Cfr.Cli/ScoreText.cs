using Cfr.Pipeline.Metrics;

namespace Cfr.Cli;

/// <summary>A mean and its deviation in a table: overlaps in %, distances as they are.</summary>
static class ScoreText
{
    public static string Of(Metric metric, Spread spread)
    {
        double scale = metric.IsDistance ? 1 : 100;
        return $"{scale * spread.Mean:F2}" + (spread.Deviation is { } deviation ? $" ± {scale * deviation:F2}" : "");
    }
}
