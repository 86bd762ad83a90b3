using System.CommandLine;
using Cfr.Kernels;
using Cfr.Kernels.Cuda.Driver;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr devices</c>: what can compute here, and what is missing and why.</summary>
static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", "Shows the devices of this machine: what is there, what is missing and why.")
        {
            CommonOptions.Json,
        };
        command.SetAction(arguments => Run(arguments.GetValue(CommonOptions.Json)));
        return command;
    }

    static int Run(bool json)
    {
        CudaInfo cuda = CudaInfo.Read();
        using Device cpu = Device.Open("cpu");
        if (json)
            PrintJson(cpu, cuda);
        else
            PrintTable(cpu, cuda);
        return ExitCode.Done;
    }

    static void PrintTable(Device cpu, CudaInfo cuda)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("device", "what", "compute capability", "memory", "driver");
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        table.AddRow("cpu", Markup.Escape(cpu.Description), "", GiB(memory), "");
        foreach (CudaGpu gpu in cuda.Gpus)
        {
            string problem = gpu.Problem is null ? "" : $" (cannot be used: {gpu.Problem})";
            table.AddRow(
                $"cuda:{gpu.Ordinal}", Markup.Escape($"{gpu.Name}, {gpu.Multiprocessors} multiprocessors{problem}"),
                gpu.Capability.ToString(), GiB(gpu.MemoryBytes), $"CUDA {cuda.DriverVersion}");
        }
        table.AddRow("emulated", "the GPU's kernels on the processor, for tests of tiny sizes", "", "", "");
        AnsiConsole.Write(table);
        if (cuda.Problem is { } missing) AnsiConsole.WriteLine($"cuda: {missing}");
    }

    static void PrintJson(Device cpu, CudaInfo cuda) => JsonOutput.Print(
        new
        {
            cpu = new { description = cpu.Description, memoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes },
            cuda = new
            {
                driver = cuda.DriverVersion?.ToString(),
                problem = cuda.Problem,
                gpus = cuda.Gpus.Select(gpu => new
                {
                    device = $"cuda:{gpu.Ordinal}",
                    name = gpu.Name,
                    computeCapability = gpu.Capability.ToString(),
                    multiprocessors = gpu.Multiprocessors,
                    memoryBytes = gpu.MemoryBytes,
                    problem = gpu.Problem,
                }),
            },
        });

    static string GiB(long bytes) => $"{bytes / (double)(1 << 30):F1} GiB";
}
