using System.CommandLine;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr kernels</c>: the GPU kernels, their PTX, and what the assembler makes of them.</summary>
static class KernelsCommand
{
    public static Command Create()
    {
        var ptx = new Option<string?>("--ptx") { Description = "Print the PTX of this kernel.", HelpName = "NAME" };
        var target = new Option<string>("--target")
        {
            Description = "Generation of GPUs to compile for: sm_80, sm_86, sm_89, sm_90.",
            DefaultValueFactory = _ => "sm_90",
        };
        var report = new Option<bool>("--report")
        {
            Description = "Assemble every kernel for sm_80 and sm_90 (those of warp groups for sm_90 alone); show registers, memory and instructions (needs ptxas).",
        };
        var csv = new Option<bool>("--csv") { Description = "With --report: comma-separated, as tests/Golden/kernels.csv." };
        var command = new Command("kernels", "Lists the GPU kernels, prints their PTX, reports registers and spills.")
        {
            ptx, target, report, csv,
        };
        command.SetAction(arguments => arguments.GetValue(ptx) is { } name
            ? PrintPtx(name, Parse(arguments.GetValue(target)!))
            : arguments.GetValue(report) ? Report(arguments.GetValue(csv)) : List());
        return command;
    }

    static int List()
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("kernel", "code", "threads", "shared memory", "tensor cores");
        foreach (KernelSummary kernel in KernelReport.Kernels)
        {
            table.AddRow(
                kernel.Name, kernel.Source, $"{kernel.Threads}", kernel.SharedBytes == 0 ? "" : $"{kernel.SharedBytes}",
                kernel.TensorCores ? "yes" : "");
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine($"{KernelReport.Kernels.Count} kernels");
        return ExitCode.Done;
    }

    static int PrintPtx(string name, ComputeCapability capability)
    {
        using var kernels = new KernelReport();
        Console.Write(kernels.Ptx(name, capability));
        return ExitCode.Done;
    }

    static int Report(bool csv)
    {
        using var kernels = new KernelReport();
        if (kernels.AssemblerVersion is null)
        {
            Console.Error.WriteLine("cfr: ptxas is not here; scripts/get-ptxas.sh fetches it");
            return ExitCode.Failed;
        }
        KernelFacts[] facts =
        [
            .. KernelReport.Kernels.SelectMany(kernel => kernel.Targets, (kernel, capability) => (kernel.Name, capability))
                .AsParallel().AsOrdered().Select(one => kernels.Facts(one.Name, one.capability)),
        ];
        if (csv)
            PrintCsv(kernels.AssemblerVersion, facts);
        else
            PrintTable(kernels.AssemblerVersion, facts);
        return ExitCode.Done;
    }

    static void PrintCsv(string version, KernelFacts[] facts)
    {
        Console.WriteLine($"# ptxas {version}");
        Console.WriteLine(KernelFacts.CsvHeader);
        foreach (KernelFacts one in facts) Console.WriteLine(one.ToCsv());
    }

    static void PrintTable(string version, KernelFacts[] facts)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("kernel", "target", "registers", "stack", "spills", "shared", "occupancy", "HMMA", "LDSM", "LDGSTS", "LDL/STL");
        foreach (KernelFacts one in facts)
        {
            table.AddRow(
                one.Kernel, one.Target, $"{one.Registers}", $"{one.StackBytes}", $"{one.SpillBytes}",
                $"{one.StaticSharedBytes + one.DynamicSharedBytes}", $"{one.Occupancy:P0}", $"{one.Hmma}", $"{one.Ldsm}",
                $"{one.Ldgsts}", $"{one.LocalAccesses}");
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine($"{facts.Length} lines, ptxas {version}");
    }

    static ComputeCapability Parse(string target) =>
        target.StartsWith("sm_", StringComparison.Ordinal) && int.TryParse(target.AsSpan(3), out int number) && number is >= 80 and < 200
            ? new ComputeCapability(number / 10, number % 10)
            : throw new ArgumentException($"--target is '{target}'; expected sm_80, sm_86, sm_89, sm_90 or newer");
}
