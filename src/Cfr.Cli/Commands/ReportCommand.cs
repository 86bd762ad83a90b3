using System.CommandLine;
using Cfr.Pipeline.Report;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr report RUN</c>: writes the report of a run, or writes it again.</summary>
static class ReportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "The folder of a run." };
        var output = new Option<string?>("--out") { Description = "Where to write; default: RUN/report/index.html." };
        var command = new Command("report", "Writes the report of a run: one HTML page with everything in it.") { run, output };
        command.SetAction(arguments =>
        {
            Console.WriteLine(RunReport.Write(arguments.GetValue(run)!, arguments.GetValue(output)));
            return ExitCode.Done;
        });
        return command;
    }
}
