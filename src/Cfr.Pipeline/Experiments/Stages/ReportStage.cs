using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Report;

namespace Cfr.Pipeline.Experiments;

/// <summary>Writes the page that shows it all.</summary>
sealed class ReportStage(StageContext context, IReadOnlyList<string> stages) : Stage(context)
{
    public override string Name => "report";

    /// <summary>Times are shown, too: the report is written anew whenever another stage was.</summary>
    public override IEnumerable<string> Inputs =>
    [
        ConfigurationFile.Write(Context.Experiment),
        .. stages.SelectMany(stage => new[] { Context.OutputsOf(stage), $"{Context.TimeOf(stage)}" }),
    ];

    public override IReadOnlyList<string> Owned => [Path.GetDirectoryName(Folder.Report)!];

    public override IEnumerable<string> Outputs => [Folder.Report];

    public override string Run() => RunReport.Write(Folder.Root);

    public override StageCost Cost(StageState state) => new(Path.GetRelativePath(Folder.Root, Folder.Report));
}
