using System.Globalization;

namespace Cfr.Pipeline.Report;

/// <summary>Figure: a row for each method with a dot for each case's Dice and a line at their mean.</summary>
static class CaseDots
{
    public static void Write(
        Html html, IReadOnlyList<(string Title, IReadOnlyList<(string Case, double Dice)> Cases)> rows, string caption)
    {
        html.Tag("figure", () =>
        {
            html.Tag("div", () =>
            {
                foreach (var (title, cases) in rows) WriteRow(html, title, cases);
                html.Tag("div", "", ("class", "dots-label"));
                html.Tag("div", () =>
                {
                    foreach (int tick in (int[])[0, 25, 50, 75, 100])
                        html.Tag("span", $"{tick} %", ("style", $"left:{tick}%"));
                }, ("class", "dots-axis"), ("aria-hidden", "true"));
            }, ("class", "dots"));
            html.Tag("figcaption", caption);
        });
        html.Line();
    }

    static void WriteRow(Html html, string title, IReadOnlyList<(string Case, double Dice)> cases)
    {
        string values = string.Join(", ", cases.Select(each => $"{each.Case} {Number.Fixed(100 * each.Dice, 1)} %"));
        html.Tag("div", title, ("class", "dots-label"));
        html.Tag("div", () =>
        {
            html.Tag("i", "", ("class", "mean"), At(cases.Average(each => each.Dice)));
            foreach (var (name, dice) in cases)
                html.Tag("i", "", ("class", "dot"), At(dice), ("title", $"{name}: {Number.Fixed(100 * dice, 1)} %"));
        }, ("class", "dots-track"), ("role", "img"), ("aria-label", $"Dice of {title}: {values}"));
    }

    static (string, string) At(double dice) => ("style", string.Create(CultureInfo.InvariantCulture, $"left:{100 * dice:F2}%"));
}
