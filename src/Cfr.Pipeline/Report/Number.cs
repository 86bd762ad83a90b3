using System.Globalization;

namespace Cfr.Pipeline.Report;

/// <summary>Numbers as the report writes them, the same in every country.</summary>
static class Number
{
    /// <summary>The minus sign that is as wide as the plus.</summary>
    const char Minus = '\u2212';

    /// <summary>With so many digits after the point.</summary>
    public static string Fixed(double value, int digits) =>
        value.ToString($"F{digits}", CultureInfo.InvariantCulture).Replace('-', Minus);

    /// <summary>With its sign.</summary>
    public static string Signed(double value, int digits) => (value >= 0 ? "+" : "") + Fixed(value, digits);

    /// <summary>Four digits at most, for ticks of an axis.</summary>
    public static string Short(double value) => value.ToString("G4", CultureInfo.InvariantCulture).Replace('-', Minus);

    /// <summary>A coordinate of a drawing.</summary>
    public static string Coordinate(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    /// <summary>In the largest unit of which there is one.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{Fixed(bytes / (double)(1L << 30), 1)} GiB",
        >= 1L << 20 => $"{Fixed(bytes / (double)(1L << 20), 0)} MiB",
        _ => $"{Fixed(bytes / (double)(1L << 10), 0)} KiB",
    };

    /// <summary>12.3 s, 4 min 05 s, 3 h 07 min.</summary>
    public static string Time(double seconds)
    {
        if (seconds < 99.95) return $"{Fixed(seconds, 1)} s";
        var time = TimeSpan.FromSeconds(Math.Round(seconds));
        return time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:D2} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:D2} s");
    }

    /// <summary>1 case, 2 cases.</summary>
    public static string Count(int count, string what, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? what : many ?? what + "s")}");
}
