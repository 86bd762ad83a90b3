using Cfr.Pipeline.Experiments;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Report;

/// <summary>
/// The report of a run: one HTML file with everything in it, style, drawings and pictures. It loads nothing, runs
/// nothing, and is the same bytes for the same folder.
/// </summary>
public static class RunReport
{
    const string StyleSheet = "report/report.css";

    /// <summary>Nothing from anywhere, but pictures and styles in the page itself.</summary>
    internal const string Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

    /// <summary>Reads a run and writes its report.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="path">Where to write; by default <see cref="ExperimentFolder.Report"/>.</param>
    /// <returns>Where it was written.</returns>
    /// <exception cref="BadDataException">The folder is no run, or a file in it is damaged.</exception>
    public static string Write(string folder, string? path = null)
    {
        string page = Render(RunResults.Read(folder)), target = path ?? new ExperimentFolder(folder).Report;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        AtomicFile.WriteText(target, page);
        return target;
    }

    /// <summary>The page.</summary>
    public static string Render(RunResults run)
    {
        var html = new Html();
        string title = run.Manifest.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run.Folder)));
        html.Tag("html", () =>
        {
            html.Tag("head", () =>
            {
                html.Void("meta", ("charset", "utf-8"));
                html.Void("meta", ("http-equiv", "Content-Security-Policy"), ("content", Policy));
                html.Void("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                html.Void("meta", ("name", "color-scheme"), ("content", "light dark"));
                html.Void("link", ("rel", "icon"), ("href", "data:,"));
                html.Tag("title", $"{title}: report of a CFR run");
                html.Style(Css());
            });
            html.Line();
            html.Tag("body", () => html.Tag("main", () => Body(html, run, title)));
        }, ("lang", "en"));
        return html.ToString();
    }

    static void Body(Html html, RunResults run, string title)
    {
        Answer answer = Answer.Of(run);
        html.Tag("header", () =>
        {
            html.Tag("p", "Concatenate, Fine-tuning, Re-training", ("class", "kicker"));
            html.Tag("h1", title);
            html.Tag("p", answer.Question, ("class", "question"));
            html.Tag("p", answer.Headline, ("class", "headline"));
            if (answer.Details.Count > 0)
                html.Tag("ul", () =>
                {
                    foreach (string detail in answer.Details) html.Tag("li", detail);
                });
        });
        html.Line();
        ScoreTable.Write(html, run);
        SlicePanels.Write(html, run);
        PseudoLabels.Write(html, run);
        LearningCurves.Write(html, run);
        StageBars.Write(html, run);
        Provenance.Write(html, run);
    }

    static string Css()
    {
        using Stream stream = typeof(RunReport).Assembly.GetManifestResourceStream(StyleSheet)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
