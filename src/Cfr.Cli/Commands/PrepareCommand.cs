using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr prepare DATASET</c>: makes a data set of what users download, or of nothing (phantom).</summary>
static class PrepareCommand
{
    const string PhantomName = "phantom";
    const ulong DefaultSeed = 1337;

    public static Command Create()
    {
        var name = new Argument<string>("DATASET")
        {
            Description = $"{string.Join(", ", DataSetPreparation.Names)}, or {PhantomName} (generated scans).",
        };
        var input = new Option<string?>("--in") { Description = "The folder with what was downloaded." };
        var output = new Option<string>("--out")
        {
            Description = "A new folder, or one of a preparation that was stopped.",
            Required = true,
        };
        var cases = new Option<int>("--cases") { Description = "Phantom: how many scans.", DefaultValueFactory = _ => 20 };
        var size = new Option<string>("--size") { Description = "Phantom: voxels of a scan.", DefaultValueFactory = _ => "96x96x64" };
        var organs = new Option<int>("--organs") { Description = "Phantom: organs in a scan.", DefaultValueFactory = _ => 1 };
        var shrink = new Option<int>("--shrink")
        {
            Description = "Make one voxel of so many along each axis: small scans for a quick try.",
            DefaultValueFactory = _ => 1,
        };
        var command = new Command("prepare", "Makes a data set of what users download, or generates one.")
        {
            name, input, output, cases, size, organs, shrink, CommonOptions.Seed, CommonOptions.Json,
        };
        command.SetAction(arguments =>
        {
            string wanted = arguments.GetValue(name)!;
            bool isPhantom = wanted.Equals(PhantomName, StringComparison.OrdinalIgnoreCase);
            foreach (Option option in isPhantom ? (Option[])[input] : [cases, size, organs])
                if (arguments.GetResult(option) is { Implicit: false })
                    throw new ArgumentException($"{option.Name} has no meaning for {wanted}");
            ulong seed = arguments.GetValue(CommonOptions.Seed) ?? DefaultSeed;
            DataSetPreparation preparation = isPhantom
                ? DataSetPreparation.OfPhantom(
                    arguments.GetValue(cases), ParseSize(arguments.GetValue(size)!), arguments.GetValue(organs), seed)
                : DataSetPreparation.Of(wanted, arguments.GetValue(input) ??
                    throw new ArgumentException($"--in is missing; expected the folder with the files of {wanted}"), seed);
            using var interruption = new Interruption();
            return Run(preparation.Shrink(arguments.GetValue(shrink)), arguments.GetValue(output)!, arguments.GetValue(CommonOptions.Json), interruption.Token);
        });
        return command;
    }

    static int Run(DataSetPreparation preparation, string output, bool json, CancellationToken cancel)
    {
        IReadOnlyList<string> unlisted = json
            ? preparation.Run(output, cancel: cancel)
            : WorkProgress.Show("preparing", told => preparation.Run(output, (done, all, _) => told?.Invoke(done, all), cancel));
        DataSet set = DataSetFile.Open(output);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                name = set.Name,
                list = set.ListPath,
                train = set.Train.Count,
                validation = set.Validation.Count,
                test = set.Test.Count,
                unlisted,
            }));
            return ExitCode.Done;
        }
        if (unlisted.Count > 0)
            AnsiConsole.WriteLine($"{unlisted.Count} cases are in no split and were left out: {string.Join(", ", unlisted)}");
        AnsiConsole.WriteLine($"{set.ListPath}: {set.Name}, {set.Train.Count} cases to train on,"
            + $" {set.Validation.Count} to validate, {set.Test.Count} to test");
        return ExitCode.Done;
    }

    static GridSize ParseSize(string text) => NetworkNotes.ParseSize(text)
        ?? throw new ArgumentException($"--size is '{text}'; expected three numbers like 96x96x64");
}
