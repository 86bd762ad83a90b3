using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// Pictures of what SAM sees of the first labelled cases, with their labels. Training lays out its patches itself, as they are drawn.
/// </summary>
sealed class ConcatenateStage(StageContext context, FineTuningConfiguration tuning) : Stage(context)
{
    const int Pictures = 4;

    public override string Name => "concatenate";

    IReadOnlyList<Case> Cases => [.. Context.Labelled.Take(Pictures)];

    public override IEnumerable<string> Inputs =>
    [
        Context.LabelledHash, ConfigurationFile.Write(tuning.Concatenation), $"{tuning.Patch}", $"{tuning.Normalization}",
        $"{tuning.Sam.Configuration(Context.Data.Classes.Count).ImageSize}",
    ];

    public override IReadOnlyList<string> Owned => [.. Outputs];

    public override IEnumerable<string> Outputs => Cases.SelectMany(each => MosaicPictures.Paths(Folder, each.Name));

    public override string Run()
    {
        DataSet data = Context.DataFor(tuning);
        foreach (Case each in Cases)
        {
            Context.Stop.ThrowIfCancellationRequested();
            MosaicPictures.Write(Folder, tuning, data.Classes.Count, data.Read(each));
        }
        return $"{Cases.Count} pictures";
    }

    public override StageCost Cost(StageState state)
    {
        int size = tuning.Sam.Configuration(Context.Data.Classes.Count).ImageSize;
        return new StageCost($"patches {tuning.Patch} on canvases of {size}x{size}, {tuning.Concatenation.Layout.ToString().ToLowerInvariant()} layout");
    }
}

/// <summary>Pictures of a case: <c>CASE.png</c>, and <c>CASE-label.png</c> with its label over it.</summary>
static class MosaicPictures
{
    public static IReadOnlyList<string> Paths(ExperimentFolder folder, string name) =>
        [Path.Combine(folder.Mosaics, $"{name}.png"), Path.Combine(folder.Mosaics, $"{name}-label.png")];

    public static void Write(ExperimentFolder folder, FineTuningConfiguration tuning, int classes, LoadedCase scan)
    {
        Directory.CreateDirectory(folder.Mosaics);
        var preview = new MosaicPreview(tuning.Concatenation, tuning.Sam.Configuration(classes).ImageSize) { Patch = tuning.Patch };
        IReadOnlyList<string> paths = Paths(folder, scan.Name);
        preview.Draw(scan with { Label = null }).Image.Write(paths[0]);
        preview.Draw(scan).Image.Write(paths[1]);
    }
}
