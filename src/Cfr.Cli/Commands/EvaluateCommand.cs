using System.CommandLine;
using System.Globalization;
using Cfr.Pipeline;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr evaluate</c>: compares predictions with references.</summary>
static class EvaluateCommand
{
    const int TableWidth = 130, NamesShown = 10;

    static readonly Option<string> Predictions = new("--predictions")
    {
        Description = "Folder of predicted label maps, CASE.nii.gz.",
        Required = true,
    };

    static readonly Option<string?> Labels = new("--labels") { Description = "Folder of references, CASE.nii.gz or CASE/mri_norm2.h5." };

    static readonly Option<string?> Data = new("--data")
    {
        Description = "A data set instead: its test cases, all of which must have been predicted (others are left out).",
    };

    static readonly Option<string> Split = new Option<string>("--split")
    {
        Description = "Which list of the data set.",
        DefaultValueFactory = _ => "test",
    }.AcceptOnlyFromAmong("train", "validation", "test");

    static readonly Option<int?> Classes = new("--classes")
    {
        Description = "Number of classes, the background included; default: those of the data set, or those that occur.",
    };

    static readonly Option<double[]?> Spacing = new("--spacing")
    {
        Description = "Distances in mm: with the voxel size of the references, or with the one given, such as 0.625,0.625,0.625.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (result.Tokens.Count == 0) return [];
            double[] sizes = [.. result.Tokens[0].Value.Split(',').Select(word =>
                double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double size) ? size : 0)];
            if (sizes.Length != 3 || !sizes.All(size => size > 0 && double.IsFinite(size)))
                result.AddError($"--spacing is {result.Tokens[0].Value}; expected three sizes in mm such as 0.625,0.625,0.625");
            return sizes;
        },
    };

    static readonly Option<string?> Csv = new("--csv") { Description = "Write the scores of every class of every case to this file." };

    public static Command Create()
    {
        var command = new Command("evaluate",
            "Compares predictions with references: Dice, Jaccard, surface distances, as medpy defines them, in voxels.")
        {
            Predictions, Labels, Data, Split, Classes, Spacing, Csv, CommonOptions.Threads, CommonOptions.Json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(Labels) is null == result.GetResult(Data) is null)
                result.AddError("give either --labels or --data: the references to compare with");
        });
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        DataSet? set = arguments.GetValue(Data) is { } data ? DataSetFile.Open(data) : null;
        var references = set is null
            ? CaseFiles.Find([arguments.GetValue(Labels)!])
            : [.. set.WithLabels(ListOf(set, arguments.GetValue(Split)!)).Select(each => (each.Name, each.LabelPath!))];
        var cases = Evaluation.Match(arguments.GetValue(Predictions)!, references, needsAll: set is not null, set?.Cases.Select(each => each.Name));
        bool isJson = arguments.GetValue(CommonOptions.Json);
        int threads = arguments.GetValue(CommonOptions.Threads) ?? Environment.ProcessorCount;
        var spacing = SpacingOf(arguments.GetResult(Spacing) is null ? null : arguments.GetValue(Spacing) ?? [], set);
        int? classes = arguments.GetValue(Classes) ?? set?.Classes.Count;
        if (classes is < 2 or > 256) throw new ArgumentException($"--classes is {classes}; expected 2 to 256, the background included");
        Evaluation found = isJson
            ? Evaluation.Of(cases, classes, spacing, threads)
            : CaseProgress.Show("comparing", cases.Count, told => Evaluation.Of(cases, classes, spacing, threads, told));

        string NameOf(int c) => set is not null && c < set.Classes.Count ? set.Classes[c] : $"class {c}";
        foreach (string warning in found.Warnings) ErrorStream.Warn(warning);
        string[] unpredicted = [.. references.Select(file => file.Item1).Except(cases.Select(each => each.Name))];
        if (unpredicted.Length > 0)
            Console.Error.WriteLine($"Note: {unpredicted.Length} reference(s) have no prediction: "
                + string.Join(", ", unpredicted.Take(NamesShown)) + (unpredicted.Length > NamesShown ? ", .." : ""));
        string unit = spacing is null ? "voxel" : "mm";
        if (arguments.GetValue(Csv) is { } csv) ScoreFile.Write(csv, found.Cases, NameOf, unit);
        if (isJson) JsonOutput.Print(ScoreFile.Json(found.Cases, NameOf, unit, found.Warnings));
        else Print(found, NameOf, unit);
        return ExitCode.Done;
    }

    static IReadOnlyList<Case> ListOf(DataSet set, string split)
    {
        IReadOnlyList<Case> cases = split switch { "train" => set.Train, "validation" => set.Validation, _ => set.Test };
        return cases.Count > 0 ? cases : throw new BadDataException($"{set.ListPath}: has no {split} cases");
    }

    /// <summary>Nothing given: voxels. No size given: that of the file, or of the data set where files say nothing.</summary>
    static Func<string, Geometry, (double, double, double)>? SpacingOf(double[]? given, DataSet? set) => given switch
    {
        null => null,
        [var x, var y, var z] => (_, _) => (x, y, z),
        _ => (path, geometry) => geometry.IsOriented ? geometry.Spacing
            : set?.Spacing is [var x, var y, var z] ? (x, y, z)
            : throw new BadDataException($"{path}: does not say how large its voxels are; give --spacing X,Y,Z"),
    };

    static void Print(Evaluation found, Func<int, string> nameOf, string unit)
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, Console.IsOutputRedirected ? TableWidth : 0);
        ScoreSummary summary = found.Summary;
        var table = new Table().Border(TableBorder.Rounded).AddColumn("class");
        foreach (Metric metric in Metric.All)
            table.AddColumn(new TableColumn($"{metric.Title} {(metric.IsDistance ? unit : "%")}").RightAligned());
        table.AddColumn(new TableColumn("empty predictions").RightAligned());
        foreach (ClassSummary row in summary.Classes) AddRow(row, nameOf(row.Class));
        if (summary.Classes.Count > 1) AddRow(summary.Average, "average");
        AnsiConsole.Write(table);
        Console.WriteLine($"Mean and sample standard deviation over {summary.Cases} case(s). Empty predictions, and "
            + "classes that a reference lacks, score 0 in all columns and count.");
        foreach (ClassSummary row in summary.Classes.Where(row => row.EmptyTruths > 0))
            Console.WriteLine($"{nameOf(row.Class)}: {row.EmptyTruths} reference(s) have none of it.");
        foreach (CaseScore scored in found.Cases)
            foreach (ClassScore score in scored.Classes.Where(score => score.IsPredictionEmpty && !score.IsTruthEmpty))
                Console.WriteLine($"{scored.Case}: nothing of {nameOf(score.Class)} was predicted.");

        void AddRow(ClassSummary row, string name) => table.AddRow(
            [Markup.Escape(name), .. Metric.All.Select(metric => ScoreText.Of(metric, row.Metrics[metric.Name])), $"{row.EmptyPredictions}"]);
    }
}
