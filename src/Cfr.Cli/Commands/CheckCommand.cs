using System.CommandLine;
using System.Text.Json;
using Cfr.Pipeline.Datasets;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr check DATA</c>: looks through a data set for what would spoil a training.</summary>
static class CheckCommand
{
    static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static Command Create()
    {
        var data = new Argument<string>("DATA") { Description = "A dataset.json, or the folder that it is in." };
        var command = new Command("check", "Looks through a data set for what would spoil a training.")
        {
            data, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(arguments =>
        {
            using var interruption = new Interruption();
            return Run(
                arguments.GetValue(data)!, arguments.GetValue(CommonOptions.Threads) ?? Environment.ProcessorCount,
                arguments.GetValue(CommonOptions.Json), interruption.Token);
        });
        return command;
    }

    static int Run(string path, int threads, bool json, CancellationToken cancel)
    {
        DataSet set = DataSetFile.Open(path);
        IReadOnlyList<CaseFindings> cases = json
            ? DataSetCheck.Run(set, threads, cancel: cancel)
            : CaseProgress.Show("reading", set.Cases.Count(), told => DataSetCheck.Run(set, threads, told, cancel));
        int faulty = cases.Count(each => each.Faults.Count > 0);
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { set.Name, Faulty = faulty, Cases = cases }, JsonOptions));
        else Print(set, cases, faulty);
        return faulty > 0 ? ExitCode.BadData : ExitCode.Done;
    }

    static void Print(DataSet set, IReadOnlyList<CaseFindings> cases, int faulty)
    {
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("case", "split", "size", "mm", "axes", "intensity (1 % / 50 % / 99 %)", "label", "");
        foreach (CaseFindings found in cases)
            table.AddRow(
                Markup.Escape(found.Name), found.Split, found.Size is null ? "" : string.Join("x", found.Size), Spacing(found),
                found.Orientation ?? "", Intensities(found), Markup.Escape(Labels(set, found)), Verdict(found));
        AnsiConsole.Write(table);
        foreach (CaseFindings found in cases)
        {
            foreach (string fault in found.Faults) AnsiConsole.MarkupLineInterpolated($"[red]{found.Name}:[/] {fault}");
            foreach (string note in found.Notes) AnsiConsole.MarkupLineInterpolated($"[yellow]{found.Name}:[/] {note}");
        }
        AnsiConsole.WriteLine(
            $"{set.Name}: {set.Train.Count} cases to train on, {set.Validation.Count} to validate, {set.Test.Count} to test;"
            + (faulty == 0 ? " nothing is wrong." : $" something is wrong with {faulty}."));
    }

    static string Spacing(CaseFindings found) =>
        found.Spacing is null ? "" : string.Join(" ", found.Spacing.Select(size => size.ToString("G4")));

    static string Intensities(CaseFindings found) =>
        found.Intensities is null ? "" : string.Join(" / ", found.Intensities.Skip(1).Take(3).Select(value => value.ToString("G3")));

    /// <summary>Share of the volume of a single class; number of classes where there are more.</summary>
    static string Labels(DataSet set, CaseFindings found)
    {
        if (found.Labels is null) return found.Size is null ? "" : "none";
        long inside = found.Labels.Where(count => count.Key > 0).Sum(count => count.Value);
        string share = $"{100.0 * inside / found.Labels.Values.Sum():F1} %";
        int present = found.Labels.Keys.Count(value => value > 0);
        return set.Classes.Count == 2 ? share : $"{present} of {set.Classes.Count - 1}, {share}";
    }

    static string Verdict(CaseFindings found) =>
        found.Faults.Count > 0 ? "[red]wrong[/]" : found.Notes.Count > 0 ? "[yellow]note[/]" : "[green]ok[/]";
}
