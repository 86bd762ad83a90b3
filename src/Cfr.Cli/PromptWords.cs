using System.Globalization;
using Cfr.Pipeline.Inference;

namespace Cfr.Cli;

/// <summary>Points and boxes as they are written on a command line.</summary>
static class PromptWords
{
    /// <summary>A prompt an object.</summary>
    /// <param name="points">Of an object each: x,y[,label] divided by ';'.</param>
    /// <param name="boxes">x0,y0,x1,y1 divided by ';'.</param>
    /// <exception cref="ArgumentException">
    /// They are written in another way, or there are as many of one as not of the other.
    /// </exception>
    public static ImagePrompt[] Parse(IReadOnlyList<string> points, string? boxes)
    {
        ImagePoint[][] groups = [.. points.Select(text => Items(text).Select(Point).ToArray())];
        ImageBox[] all = boxes is null ? [] : [.. Items(boxes).Select(Box)];
        if (groups.Length == 0 && all.Length == 0)
            throw new ArgumentException("nothing is pointed at; expected --points or --boxes");
        if (groups.Length > 0 && all.Length > 0 && groups.Length != all.Length)
            throw new ArgumentException(
                $"--points is given for {groups.Length} objects, --boxes for {all.Length}; expected as many");
        return
        [
            .. Enumerable.Range(0, Math.Max(groups.Length, all.Length)).Select(i => new ImagePrompt
            {
                Points = groups.Length > 0 ? groups[i] : [],
                Box = all.Length > 0 ? all[i] : null,
            }),
        ];
    }

    static string[] Items(string text) =>
        text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    static ImagePoint Point(string text) => Numbers(text) switch
    {
        [double x, double y] => new ImagePoint(x, y),
        [double x, double y, 0 or 1] numbers => new ImagePoint(x, y, numbers[2] == 1),
        _ => throw new ArgumentException($"--points has '{text}'; expected x,y or x,y,label with label 1 (object) or 0 (not)"),
    };

    static ImageBox Box(string text) => Numbers(text) is [double x0, double y0, double x1, double y1]
        ? new ImageBox(x0, y0, x1, y1)
        : throw new ArgumentException($"--boxes has '{text}'; expected x0,y0,x1,y1");

    static double?[] Numbers(string text) =>
    [
        .. text.Split(',').Select(word =>
            double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                ? value
                : (double?)null),
    ];
}
