using Cfr.Pipeline.Report;

namespace Cfr.Pipeline.Experiments;

/// <summary>Writes the page that shows it all.</summary>
sealed class ReportStage(StageContext context, IReadOnlyList<string> stages) : Stage(context)
{
    public override string Name => "report";

    /// <summary>Everything, and times, which are shown too: so the report is written whenever something else was done.</summary>
    public override IEnumerable<string> Inputs => stages.Select(Context.OutputsOf).Append(File.ReadAllText(Folder.Manifest));

    public override IReadOnlyList<string> Owned => [Path.GetDirectoryName(Folder.Report)!];

    public override IEnumerable<string> Outputs => [Folder.Report];

    public override string Run() => RunReport.Write(Folder.Root);
}
