using System.Text;

namespace Cfr.Pipeline.Report;

/// <summary>A small line chart in SVG.</summary>
/// <param name="Lines">Style and points of each line; the last is the one that counts.</param>
/// <param name="Bottom">Least value that is shown.</param>
/// <param name="Top">Greatest value that is shown.</param>
/// <param name="HasDots">Whether single points of the last line are marked.</param>
sealed record Chart(
    IReadOnlyList<(string Style, IReadOnlyList<(long Iteration, double Value)> Points)> Lines, double Bottom, double Top,
    bool HasDots)
{
    const double Width = 340, Height = 190, Left = 44, Right = 8, Above = 8, Below = 26;
    const int Steps = 5;

    static readonly double[] NiceSteps = [1, 2, 2.5, 5, 10];

    long Last => Lines.Max(line => line.Points[^1].Iteration);

    /// <summary>Where the last line begins and ends, for those who cannot see it.</summary>
    public string Summary =>
        $"From {Number.Short(Lines[^1].Points[0].Value)} to {Number.Short(Lines[^1].Points[^1].Value)} at iteration {Last}.";

    public void Write(Html html, string description)
    {
        double[] ticks = [.. Ticks(Bottom, Top)];
        double low = Math.Min(Bottom, ticks[0]), high = Math.Max(Top, ticks[^1]);
        double X(double iteration) => Left + (Width - Left - Right) * iteration / Math.Max(Last, 1);
        double Y(double value) =>
            Height - Below - (Height - Above - Below) * (Math.Clamp(value, low, high) - low) / Math.Max(high - low, double.Epsilon);
        string Anchor(double tick) => tick == 0 ? "start" : X(tick) > Width - 24 ? "end" : "middle";

        html.Tag("svg", () =>
        {
            foreach (double tick in ticks)
            {
                html.Void(
                    "line", ("class", "grid"), ("x1", At(Left)), ("x2", At(Width - Right)), ("y1", At(Y(tick))), ("y2", At(Y(tick))));
                html.Tag("text", Number.Short(tick), ("x", At(Left - 6)), ("y", At(Y(tick) + 4)), ("text-anchor", "end"));
            }
            foreach (double tick in Ticks(0, Last).Where(tick => tick <= Last && tick == Math.Floor(tick)))
                html.Tag("text", Number.Short(tick), ("x", At(X(tick))), ("y", At(Height - 8)), ("text-anchor", Anchor(tick)));
            foreach (var (style, points) in Lines) html.Void("path", ("class", style), ("d", Path(points, X, Y)));
            if (HasDots)
                foreach (var (iteration, value) in Lines[^1].Points)
                    html.Void("circle", ("class", "point"), ("cx", At(X(iteration))), ("cy", At(Y(value))), ("r", "2.4"));
        }, ("class", "chart"), ("viewBox", $"0 0 {At(Width)} {At(Height)}"), ("role", "img"), ("aria-label", description));
    }

    /// <summary>A line through the points. Of many in the same column of pixels the least and the greatest are drawn.</summary>
    static string Path(IReadOnlyList<(long Iteration, double Value)> points, Func<double, double> x, Func<double, double> y)
    {
        var path = new StringBuilder();
        foreach (var column in points.GroupBy(point => Math.Floor(x(point.Iteration))))
        {
            (long Iteration, double Value)[] inside = [.. column];
            (long Iteration, double Value)[] drawn = inside.Length <= 2
                ? inside
                : [.. new[] { inside.MinBy(point => point.Value), inside.MaxBy(point => point.Value) }
                    .OrderBy(point => point.Iteration)];
            foreach (var (iteration, value) in drawn)
                path.Append(path.Length == 0 ? 'M' : 'L').Append(At(x(iteration))).Append(' ').Append(At(y(value)));
        }
        return path.ToString();
    }

    /// <summary>Round numbers from at or below the bottom to at or above the top, about five steps.</summary>
    static IEnumerable<double> Ticks(double bottom, double top)
    {
        double range = Math.Max(top - bottom, 1e-9), magnitude = Math.Pow(10, Math.Floor(Math.Log10(range / Steps)));
        double step = magnitude * NiceSteps.First(nice => nice * magnitude * Steps >= range * (1 - 1e-9));
        for (double i = Math.Floor(bottom / step + 1e-9); (i - 1) * step < top * (1 - 1e-9) || i * step <= bottom; i++)
            yield return i * step;
    }

    static string At(double value) => Number.Coordinate(value);
}
