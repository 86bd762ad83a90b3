namespace Cfr.Pipeline.Report;

/// <summary>
/// Figure: a chart for each training, loss by iteration, raw and smoothed; validation Dice below where there is some.
/// </summary>
static class LearningCurves
{
    public static void Write(Html html, RunResults run)
    {
        (string Title, LearningCurve Curve)[] curves =
        [
            .. run.FineTuning is { Loss.Count: > 0 } tuned
                ? [("Fine-tuning of SAM", tuned)] : Array.Empty<(string, LearningCurve)>(),
            .. run.Methods.Where(method => method.Curve is { Loss.Count: > 0 })
                .Select(method => (method.Name.Title, method.Curve!)),
        ];
        if (curves.Length == 0) return;
        Section.Write(html, "curves", "Learning curves", () =>
        {
            html.Tag("figure", () =>
            {
                html.Tag("div", () =>
                {
                    foreach (var (title, curve) in curves)
                        Panel(html, title, "loss", Loss(curve), "loss by iteration");
                    foreach (var (title, curve) in curves.Where(each => each.Curve.Dice.Count > 0))
                        Panel(html, $"{title}, validation", "Dice", Dice(curve), "validation Dice by iteration");
                }, ("class", "charts"));
                html.Tag("figcaption", "What each training minimised, by iteration: every step (pale) and the mean of the last "
                    + "fiftieth of all steps (dark). Losses of different methods have different parts and scales.");
            }, ("class", "wide"));
        });
    }

    static void Panel(Html html, string title, string unit, Chart chart, string what)
    {
        html.Tag("div", () =>
        {
            html.Tag("p", () =>
            {
                html.Tag("span", title, ("class", "name"));
                html.Text($" {unit}");
            }, ("class", "panel-title"));
            chart.Write(html, $"{title}: {what}. {chart.Summary}");
        });
        html.Line();
    }

    /// <summary>The axis ends at the largest smoothed value; single steps may leave it.</summary>
    static Chart Loss(LearningCurve curve)
    {
        var smoothed = curve.Smoothed();
        double top = smoothed.Max(point => point.Value), bottom = Math.Min(0, smoothed.Min(point => point.Value));
        return new Chart([("raw", curve.Loss), ("smooth", smoothed)], bottom, top, HasDots: false);
    }

    static Chart Dice(LearningCurve curve) => new([("smooth", curve.Dice)], 0, 1, HasDots: curve.Dice.Count < 60);
}
