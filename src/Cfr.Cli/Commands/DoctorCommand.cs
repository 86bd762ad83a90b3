using System.CommandLine;
using Cfr.Kernels;
using Cfr.Pipeline.Doctor;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr doctor</c>: whether this machine has what CFR needs, and whether its devices compute right.</summary>
static class DoctorCommand
{
    public static Command Create()
    {
        var command = new Command("doctor",
            "Checks this machine and what its devices compute: runtime, processor, memory, folders, GPU, results against "
            + "known ones.")
        {
            CommonOptions.Device, CommonOptions.Precision, CommonOptions.Json,
        };
        command.SetAction(arguments =>
        {
            var findings = new List<Finding>();
            bool isJson = arguments.GetValue(CommonOptions.Json);
            string? device = arguments.GetResult(CommonOptions.Device) is { Implicit: false }
                ? arguments.GetValue(CommonOptions.Device) : null;
            foreach (Finding found in Examination.Run(device, PrecisionName.Parse(arguments.GetValue(CommonOptions.Precision)!)))
            {
                findings.Add(found);
                if (!isJson) Print(found);
            }
            int failed = findings.Count(found => found.Health == Health.Failed);
            if (isJson) JsonOutput.Print(new { Healthy = failed == 0, Findings = findings });
            else Console.WriteLine(failed == 0 ? "Nothing is wrong." : $"{failed} of {findings.Count} checks failed.");
            return failed == 0 ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    static void Print(Finding found)
    {
        (string word, string colour) = found.Health switch
        {
            Health.Fine => ("ok  ", "green"),
            Health.Note => ("note", "yellow"),
            _ => ("FAIL", "red"),
        };
        AnsiConsole.Markup($"[{colour}]{word}[/]  ");
        string time = found.Seconds is { } seconds ? $", {seconds * 1000:F0} ms" : "";
        Console.WriteLine($"{found.Name,-28}{found.Text}{time}");
    }
}
