using System.CommandLine;
using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr pseudolabel</c>: a fine-tuned SAM labels the unlabelled cases of a data set.</summary>
static class PseudolabelCommand
{
    static readonly Option<string> Model = new("--model") { Description = "What cfr finetune made: model.safetensors.", Required = true };

    static readonly Option<string?> Sam = new("--sam")
    {
        Description = "The checkpoint that it was fine-tuned from, if that is no longer where it was.",
    };

    static readonly Option<string> Data = new("--data") { Description = "Folder of the data set.", Required = true };

    static readonly Option<int> Labelled = new("--labelled")
    {
        Description = "How many cases of the training list are labelled; the others get labels.",
        Required = true,
    };

    static readonly Option<string> Out = new("--out") { Description = "Folder for CASE.nii.gz; cases that are there are left out.", Required = true };

    static readonly Option<GridSize?> Stride = CommonOptions.Size(
        "--stride", "From one window to the next; default: half a patch.");

    public static Command Create()
    {
        var command = new Command("pseudolabel", "Labels the unlabelled cases of a data set with a fine-tuned SAM.")
        {
            Model, Sam, Data, Labelled, Out, Stride, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        string model = arguments.GetValue(Model)!, folder = arguments.GetValue(Out)!;
        DataSet data = DataSetFile.Open(arguments.GetValue(Data)!);
        int labelled = arguments.GetValue(Labelled);
        data.Labelled(labelled);
        IReadOnlyList<Case> cases = data.Unlabelled(labelled);
        if (cases.Count == 0) throw new ArgumentException($"--labelled is {labelled}: no case of {data.Name} is left to label");
        NetworkNotes notes = NetworkNotes.Read(model);
        data = data with { Normalization = notes.Normalization ?? data.Normalization };
        GridSize patch = notes.Patch ?? throw new Pipeline.BadDataException($"{model}: the metadata has no 'patch'");

        using Device device = CommonOptions.OpenDevice(arguments);
        using var interruption = new Interruption();
        MosaicSam sam = MosaicSamFile.Load(new Session(device), model, arguments.GetValue(Sam));
        if (sam.Classes != data.Classes.Count)
            throw new ArgumentException($"{model} tells {sam.Classes} classes apart; {data.Name} has {data.Classes.Count}");
        PredictionConfiguration prediction = arguments.GetValue(Stride) is { } stride ? new(stride) : PredictionConfiguration.HalfPatch(patch);
        string scans = Fingerprint.OfCases(data, data.Train.Select(each => each with { LabelPath = null }));
        string origin = Fingerprint.Of([Fingerprint.OfFile(model), $"{prediction}", scans]);
        LabelFolder.Begin(folder, origin);
        int before = cases.Count(each => File.Exists(FolderPseudoLabels.PathOf(folder, each)));
        var labelling = new CaseLabelling(data, sam, patch, prediction);
        WorkProgress.Show("labelling", told =>
        {
            labelling.Write(cases, folder, told, interruption.Token);
            return true;
        });
        return Report(arguments, data, labelled, folder, cases.Count, before);
    }

    /// <summary>Where the truth is known, how good the labels are.</summary>
    static int Report(ParseResult arguments, DataSet data, int labelled, string folder, int count, int before)
    {
        PredictedCase[] known = [.. data.Train.Skip(labelled).Where(each => each.LabelPath is not null)
            .Select(each => new PredictedCase(each.Name, FolderPseudoLabels.PathOf(folder, each), each.LabelPath!))];
        Evaluation? found = known.Length == 0 ? null : Evaluation.Of(
            known, data.Classes.Count, threads: arguments.GetValue(CommonOptions.Threads) ?? Environment.ProcessorCount);
        double? dice = found?.Summary.Average.Metrics["dice"].Mean;
        if (arguments.GetValue(CommonOptions.Json))
            JsonOutput.Print(new { Folder = folder, Cases = count, Before = before, Known = known.Length, Dice = dice });
        else
            Console.WriteLine($"{folder}: {count - before} cases labelled" + (before > 0 ? $", {before} were there" : "")
                + (dice is null ? "; the truth of none is known" : $"; Dice {dice:F4} over the {known.Length} whose truth is known"));
        return ExitCode.Done;
    }
}
