using System.CommandLine;
using Cfr.Kernels;
using Cfr.Pipeline.Parity;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr parity</c>: runs what a reference file holds and prints how far every number is off.</summary>
static class ParityCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A safetensors file; its metadata's 'kind' says what it holds." };
        var tolerance = new Option<double?>("--tolerance")
        {
            Description = "The largest relative error allowed; default: each kind's own.",
        };
        var outputsOnly = new Option<bool>("--outputs-only") { Description = "Leave out gradients." };
        tolerance.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && result.GetValueOrDefault<double?>() is not >= 0)
                result.AddError($"--tolerance is {result.Tokens[0].Value}; expected 0 or more");
        });
        var command = new Command("parity",
            "Compares with a reference file: weights and inputs are stored in it or generated, every output and gradient "
            + $"is compared. Kinds: {string.Join(", ", ParityKinds.Names)}.")
        {
            file, tolerance, outputsOnly, CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(arguments =>
        {
            using Device device = CommonOptions.OpenDevice(arguments);
            ParityReport report = ParityKinds.Check(
                arguments.GetValue(file)!, device, arguments.GetValue(outputsOnly), arguments.GetValue(tolerance));
            if (arguments.GetValue(CommonOptions.Json)) JsonOutput.Print(report);
            else Print(report, device);
            return report.Passes ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    static void Print(ParityReport report, Device device)
    {
        TextWriter console = Console.Out;
        console.WriteLine($"{report.Path}: {report.Kind} on {device.Name} ({device.Description})");
        console.WriteLine("relative error  allowed");
        foreach (ParityCheck check in report.Checks)
            console.WriteLine($"{check.Error,14:0.00E-00}  {check.Tolerance,7:0E-0}  {(check.Passes ? "    " : "FAIL")}  "
                + $"{(check.Part == ParityPart.Gradient ? "gradient" : "output  ")}  {check.Name}"
                + (check.IsAbsolute ? "  (absolute: 0 but for rounding)" : ""));
        foreach (string note in report.Notes) console.WriteLine($"Note: {note}.");
        if (report.Unused.Count > 0)
            console.WriteLine($"Not compared: {report.Unused.Count} tensor(s) of the file, such as {string.Join(", ", report.Unused.Take(3))}");
        int failed = report.Checks.Count(check => !check.Passes);
        console.WriteLine(failed == 0
            ? $"All {report.Checks.Count} within tolerance."
            : $"{failed} of {report.Checks.Count} over tolerance.");
    }
}
