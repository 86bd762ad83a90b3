namespace Cfr.Pipeline.Report;

/// <summary>Figures: a mosaic as SAM sees it, with the label over it, and how good the pseudo-labels are.</summary>
static class PseudoLabels
{
    public static void Write(Html html, RunResults run)
    {
        IReadOnlyList<(string Case, double Dice)> cases = run.PseudoLabels is { } scores ? MethodResults.ByCase(scores) : [];
        if (cases.Count == 0 && run.Mosaics.Count == 0) return;
        Section.Write(html, "pseudo-labels", "Pseudo-labels", () =>
        {
            if (cases.Count > 0)
            {
                string mean = Number.Fixed(100 * cases.Average(each => each.Dice), 1);
                html.Tag("p", $"SAM, fine-tuned on {Number.Count(run.Manifest.Dataset.Labelled, "labelled case")}, labels the "
                    + $"unlabelled ones with a mean Dice of {mean} %, where the truth is known ({Number.Count(cases.Count, "case")}).");
                CaseDots.Write(
                    html, [("Pseudo-labels", cases)],
                    "Dice of every pseudo-label (a dot each) and its mean (the line). Training does not see these truths.");
            }
            if (run.Mosaics.Count > 0) WriteMosaic(html, run.Mosaics[0]);
        });
    }

    static void WriteMosaic(Html html, Mosaic mosaic)
    {
        html.Tag("figure", () =>
        {
            html.Tag("div", () =>
            {
                Picture(html, mosaic.Image, $"Slices of {mosaic.Case}, side by side in one picture");
                if (mosaic.Label is { } label) Picture(html, label, $"The same slices of {mosaic.Case} with their label over them");
            }, ("class", "mosaics"));
            html.Tag("figcaption", $"What SAM sees of {mosaic.Case}: its slices, concatenated row by row"
                + (mosaic.Label is null ? "." : "; beside it with the label."));
        }, ("class", "wide"));
    }

    static void Picture(Html html, string path, string description) =>
        html.Void("img", ("src", DataAddress.Read(path)), ("alt", description));
}
