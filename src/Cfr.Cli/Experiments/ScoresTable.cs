using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Report;
using Spectre.Console;

namespace Cfr.Cli.Experiments;

/// <summary>The scores of an experiment's rows, as in the paper's tables.</summary>
static class ScoresTable
{
    const int Columns = 4, Width = 100;

    /// <summary>Prints them, in the order of the report.</summary>
    public static void Print(ExperimentFolder folder)
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, Console.IsOutputRedirected ? Width : 0);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("method", "");
        foreach (Metric metric in Metric.All.Take(Columns))
            table.AddColumn(new TableColumn($"{metric.Title} {(metric.IsDistance ? "voxel" : "%")}").RightAligned());
        table.AddColumn(new TableColumn("empty").RightAligned());
        foreach (MethodResults row in RunResults.Read(folder.Root).Methods)
        {
            if (row.Summary is not { } summary) continue;
            table.AddRow([
                row.Name.Title, row.Name.Meaning,
                .. Metric.All.Take(Columns).Select(metric => ScoreText.Of(metric, summary.Average.Metrics[metric.Name])),
                $"{summary.Average.EmptyPredictions}",
            ]);
        }
        AnsiConsole.Write(table);
    }
}
