namespace Cfr.Pipeline.Report;

/// <summary>A part of the page under its heading.</summary>
static class Section
{
    public static void Write(Html html, string id, string title, Action inner)
    {
        html.Tag("section", () =>
        {
            html.Tag("h2", title);
            html.Line();
            inner();
        }, ("id", id));
        html.Line();
    }
}
