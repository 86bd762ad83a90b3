using System.CommandLine;
using Cfr.Kernels;
using Cfr.Kernels.Cpu;

namespace Cfr.Cli;

/// <summary>Options that mean the same in every command that takes them.</summary>
static class CommonOptions
{
    /// <summary>Where the numbers are computed.</summary>
    public static readonly Option<string> Device = new("--device")
    {
        Description = "Where to compute: cpu, or emulated (the GPU kernels on the processor, for tests).",
        DefaultValueFactory = _ => "cpu",
    };

    /// <summary>Threads of the processor; null for the default.</summary>
    public static readonly Option<int?> Threads = AtLeastOne(new Option<int?>("--threads")
    {
        Description = "Threads to use; default CFR_THREADS, or all processors. Results do not depend on it.",
    });

    /// <summary>The seed of everything random; null for the default.</summary>
    public static readonly Option<ulong?> Seed = new("--seed") { Description = "Seed of everything random." };

    /// <summary>Whether results are printed for programs.</summary>
    public static readonly Option<bool> Json = new("--json") { Description = "Print machine-readable results." };

    /// <summary>The device that was asked for, with its threads.</summary>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public static Device OpenDevice(ParseResult arguments)
    {
        string name = arguments.GetValue(Device)!;
        return name == "cpu" ? new CpuDevice(arguments.GetValue(Threads)) : Kernels.Device.Open(name);
    }

    static Option<int?> AtLeastOne(Option<int?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && value < 1)
                result.AddError($"{option.Name} is {value}; expected at least 1");
        });
        return option;
    }
}
