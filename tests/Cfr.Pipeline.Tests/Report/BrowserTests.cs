using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Cfr.Pipeline.Report;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Report;

/// <summary>The report as a browser shows it. Skipped where there is no Chromium.</summary>
public partial class BrowserTests
{
    static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    // Added to a copy of the page, which waits for all pictures before it calls this: leaves the counts of pictures, drawings
    // and lines that show, and whether the page is wider than the window, where --dump-dom shows them.
    const string Check = """
        <script>
        addEventListener("load", () => {
          const pictures = [...document.images].map(i => i.complete && i.naturalWidth > 0);
          const shows = (selector, box) => [...document.querySelectorAll(selector)].map(box);
          const drawings = shows("svg", s => s.getBoundingClientRect()).map(b => b.width > 40 && b.height > 20);
          const paths = shows("svg path", p => p.getBBox()).map(b => b.width + b.height > 0);
          const wide = document.documentElement.scrollWidth > innerWidth ? 1 : 0;
          const count = list => list.filter(x => x).length + "/" + list.length;
          document.body.setAttribute(
            "data-check", `pictures ${count(pictures)} drawings ${count(drawings)} paths ${count(paths)} wide ${wide}`);
        });
        </script>
        """;

    [Theory]
    [InlineData(1200)]
    [InlineData(500)]
    public void A_browser_shows_every_figure_and_complains_of_nothing(int width)
    {
        string? browser = Find();
        Assert.SkipWhen(browser is null, $"none of {string.Join(", ", Names)} is on PATH");
        using var run = new SmallRun();
        using var folder = new TemporaryFolder();
        string page = RunReport.Render(RunResults.Read(run.Folder));
        File.WriteAllText(folder.File("report.html"), page);
        string policy = WebUtility.HtmlEncode(RunReport.Policy);
        Assert.Contains(policy, page);
        // Scripts can ask an img whether it was decoded, but not an image of a drawing; so each of these is there once more.
        string copies = string.Concat(Drawn().Matches(page).Select(image =>
            $"<img alt=\"\" width=\"20\" src=\"{image.Groups[1].Value}\"/>"));
        File.WriteAllText(
            folder.File("checked.html"),
            page.Replace(policy, policy + "; script-src 'unsafe-inline'").Replace("</body>", copies + Check + "</body>"));

        var (dom, errors) = Open(browser!, folder, "checked.html", width);
        Assert.DoesNotContain("CONSOLE", errors);
        Match found = Found().Match(dom);
        Assert.True(found.Success, $"the page was not checked: {errors}");
        Assert.Equal("pictures 20/20 drawings 27/27 paths 50/50 wide 0", found.Groups[1].Value);

        (dom, errors) = Open(browser!, folder, "report.html", width);
        Assert.Contains("<section id=\"provenance\">", dom);
        Assert.DoesNotContain("CONSOLE", errors);
    }

    static (string Dom, string Errors) Open(string browser, TemporaryFolder folder, string page, int width)
    {
        using Process process = Process.Start(new ProcessStartInfo(browser,
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", $"--window-size={width},1000",
            "--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000", $"--user-data-dir={folder.File("profile")}",
            "--dump-dom", new Uri(folder.File(page)).AbsoluteUri,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string dom = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (dom, errors.Result);
    }

    static string? Find() => (
        from name in Names
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        let path = Path.Combine(folder, name)
        where File.Exists(path)
        select path).FirstOrDefault();

    [GeneratedRegex("<image href=\"([^\"]*)\"")]
    private static partial Regex Drawn();

    [GeneratedRegex("data-check=\"([^\"]*)\"")]
    private static partial Regex Found();
}
