using System.Net;
using System.Text.RegularExpressions;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Report;

namespace Cfr.Pipeline.Tests.Report;

public partial class RunReportTests
{
    const int Planes = 3, Cases = 3, ShownMethods = 2, LossCharts = 5, DiceCharts = 4;

    [Fact]
    public void The_report_of_a_complete_run_has_every_figure_and_every_picture_has_a_description()
    {
        using var run = new SmallRun();
        string page = RunReport.Render(RunResults.Read(run.Folder));
        Assert.Equal(
            ["scores", "cases", "pseudo-labels", "curves", "stages", "provenance"],
            SectionStart().Matches(page).Select(match => match.Groups[1].Value));
        Assert.Equal(Planes * Cases * ShownMethods + LossCharts + DiceCharts, Count(page, "<svg "));
        Assert.Equal(Count(page, "<svg "), Count(page, "role=\"img\" aria-label=\"") - Count(page, "class=\"dots-track\""));
        Assert.Equal(Planes * Cases * ShownMethods, Count(page, "<image "));
        Assert.Equal(2, Count(page, "<img "));
        Assert.Equal(2, Count(page, " alt=\"") - Count(page, " alt=\"\""));
        Assert.Equal(6, Count(page, "class=\"dots-track\""));
        Assert.Contains("<html lang=\"en\">", page);
        Assert.Contains("fine-tune", page);
        Assert.Contains("47 min 23 s", page);
        Assert.Contains("5.0 GiB", page);
        Assert.Contains("cfr run configs/phantom-cfr.json", page);
        Assert.Contains("&quot;architecture&quot;: &quot;vnet-pyramid&quot;", page);
    }

    [Fact]
    public void The_page_asks_for_nothing_from_anywhere()
    {
        using var run = new SmallRun();
        string page = RunReport.Render(RunResults.Read(run.Folder));
        Assert.All(Address().Matches(page), match => Assert.StartsWith("data:", match.Groups[1].Value));
        Assert.DoesNotContain("://", page);
        Assert.DoesNotContain("@import", page);
        Assert.DoesNotContain("<script", page);
        Assert.Contains(WebUtility.HtmlEncode(RunReport.Policy), page);
    }

    [Fact]
    public void Names_are_escaped()
    {
        using var run = new SmallRun();
        string page = RunReport.Render(RunResults.Read(run.Folder));
        Assert.Contains($"<h1>{WebUtility.HtmlEncode(SmallRun.Name)}</h1>", page);
        Assert.DoesNotContain("<1 &", page);
    }

    [Fact]
    public void Numbers_are_those_of_the_score_files_and_classes_have_their_own_table_where_there_are_several()
    {
        using var run = new SmallRun(organs: 2);
        string page = RunReport.Render(RunResults.Read(run.Folder));
        foreach (string id in (string[])["supervised", "cfr-mean-teacher", "upper-bound"])
        {
            ClassSummary average = ScoreSummary.Of([.. ScoreFile.Read(run.Path($"scores/{id}.json")).Cases]).Average;
            Assert.Contains(FormattableString.Invariant($"{average.Metrics["dice"].Mean:F3}"), page);
            foreach (string metric in (string[])["dice", "jaccard", "asd", "hd95"])
            {
                double scale = metric is "dice" or "jaccard" ? 100 : 1;
                Assert.Contains(FormattableString.Invariant(
                    $"{scale * average.Metrics[metric].Mean:F2}<span class=\"deviation\"> &#177; {scale * average.Metrics[metric].Deviation:F2}</span>"), page);
            }
        }
        Assert.Contains("Dice by class", page);
        Assert.Contains(">organ 2</th>", page);
    }

    [Fact]
    public void The_same_folder_gives_the_same_bytes()
    {
        using var run = new SmallRun();
        string path = RunReport.Write(run.Folder);
        Assert.Equal(run.Path("report/index.html"), path);
        byte[] first = File.ReadAllBytes(path);
        Assert.Equal(first, File.ReadAllBytes(RunReport.Write(run.Folder, run.Path("elsewhere/page.html"))));
    }

    [Theory]
    [InlineData("finetune", "Fine-tuning of SAM")]
    [InlineData("retrain", "CFR-MT, validation")]
    [InlineData("mosaics", "What SAM sees")]
    [InlineData("pseudolabel-scores.json", "labels the unlabelled ones")]
    [InlineData("predictions", "Test cases")]
    [InlineData("scores", "class=\"deviation\"")]
    public void A_part_that_is_missing_is_left_out(string part, string text)
    {
        using var run = new SmallRun();
        Assert.Contains(text, RunReport.Render(RunResults.Read(run.Folder)));
        if (File.Exists(run.Path(part))) File.Delete(run.Path(part));
        else Directory.Delete(run.Path(part), recursive: true);
        Assert.DoesNotContain(text, RunReport.Render(RunResults.Read(run.Folder)));
    }

    [Fact]
    public void A_manifest_alone_is_enough()
    {
        using var run = new SmallRun();
        foreach (string inside in Directory.GetDirectories(run.Folder)) Directory.Delete(inside, recursive: true);
        run.Write("manifest.json", "{}");
        File.Delete(run.Path("experiment.json"));
        Assert.Contains("No method of CFR has been evaluated", RunReport.Render(RunResults.Read(run.Folder)));
    }

    [Fact]
    public void Data_that_is_not_there_any_more_is_said_and_costs_only_the_pictures_of_cases()
    {
        using var run = new SmallRun();
        File.Delete(run.Set.Test[1].LabelPath!);
        string page = RunReport.Render(RunResults.Read(run.Folder));
        Assert.Contains($"It cannot be shown: {run.Data}", page);
        Assert.Equal(Planes * (Cases - 1) * ShownMethods, Count(page, "<image "));
        Directory.Delete(run.Data, recursive: true);
        page = RunReport.Render(RunResults.Read(run.Folder));
        Assert.Contains("the data set is not there any more", page);
        Assert.DoesNotContain("<image ", page);
        Assert.Contains("class=\"deviation\"", page);
    }

    [Fact]
    public void What_is_damaged_is_named_with_its_line()
    {
        using var run = new SmallRun();
        const string Log = "retrain/supervised/log.jsonl";
        AssertRefused(Log, "{\"iteration\":1,\"loss\":1}\n{\"iteration\":2,\"lo\n{\"iteration\":3,\"loss\":1}\n", "log.jsonl: line 2:");
        AssertRefused(
            Log, "{\"iteration\":1,\"loss\":\"much\"}\n{\"iteration\":2,\"loss\":1}\n",
            "log.jsonl: line 1: loss is \"much\"; expected a number");
        AssertRefused("scores/supervised.json", "{ \"cases\": [\n {} ] }", "supervised.json: line 2:");
        AssertRefused("experiment.json", "{\n\"a\": 1,\n]", "experiment.json: line 3:");
        AssertRefused(
            "manifest.json", "{\n\"seed\": \"none\"\n}",
            "manifest.json: line 2: 'seed' has a value that makes no sense there");
        File.Delete(run.Path("manifest.json"));
        Assert.Contains("no such file; expected the folder of a run", Refusal());
        Assert.Contains("no such folder", Assert.Throws<BadDataException>(() => RunResults.Read(run.Path("nowhere"))).Message);

        string Refusal() => Assert.Throws<BadDataException>(() => RunResults.Read(run.Folder)).Message;

        void AssertRefused(string name, string text, string message)
        {
            string before = File.ReadAllText(run.Path(name));
            run.Write(name, text);
            Assert.Contains(message, Refusal());
            run.Write(name, before);
        }
    }

    static int Count(string text, string part) => text.Split(part).Length - 1;

    [GeneratedRegex("<section id=\"([a-z-]+)\"")]
    private static partial Regex SectionStart();

    [GeneratedRegex("(?:src|href|url\\()=?[\"']?([^\"' )]+)")]
    private static partial Regex Address();
}
