using System.Globalization;

namespace Cfr.Pipeline.Report;

/// <summary>Figure: time and memory of each stage as horizontal bars, in a table that can be read without them.</summary>
static class StageBars
{
    public static void Write(Html html, RunResults run)
    {
        if (run.Manifest.Stages is not { Count: > 0 } stages) return;
        double longest = Math.Max(stages.Max(stage => stage.Seconds), double.Epsilon);
        double largest = Math.Max(stages.Max(stage => stage.PeakMemoryBytes), 1);
        Section.Write(html, "stages", "Time and memory", () =>
        {
            html.Tag("div", () => html.Tag("table", () =>
            {
                html.Tag("thead", () => html.Tag("tr", () =>
                {
                    foreach (string title in (string[])["stage", "time", "peak memory"]) html.Tag("th", title, ("scope", "col"));
                }));
                html.Tag("tbody", () =>
                {
                    foreach (RunStage stage in stages)
                        html.Tag("tr", () =>
                        {
                            html.Tag("th", () =>
                            {
                                html.Text(stage.Name);
                                if (stage.Skipped) html.Tag("small", "done before");
                            }, ("scope", "row"));
                            Bar(html, stage.Seconds / longest, Number.Time(stage.Seconds));
                            long bytes = stage.PeakMemoryBytes;
                            Bar(html, bytes / largest, bytes == 0 ? "" : Number.Bytes(bytes));
                        });
                });
            }, ("class", "bars")), ("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Stages"));
            string total = Number.Time(stages.Sum(stage => stage.Seconds));
            html.Tag("p", $"{total} in all, on {run.Manifest.Device ?? "an unnamed device"}.", ("class", "note"));
        });
    }

    static void Bar(Html html, double share, string text) => html.Tag("td", () =>
    {
        html.Tag("span", "", ("class", "bar"), ("style", string.Create(CultureInfo.InvariantCulture, $"width:{60 * share:F1}%")));
        html.Tag("span", text, ("class", "bar-text"));
    });
}
