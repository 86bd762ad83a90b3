using System.CommandLine;
using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;

namespace Cfr.Cli;

/// <summary>Options that mean the same in every command that takes them.</summary>
static class CommonOptions
{
    /// <summary>Where the numbers are computed.</summary>
    public static readonly Option<string> Device = new("--device")
    {
        Description = "Where to compute: cpu; cuda or cuda:1, a GPU; emulated, the GPU kernels on the processor, for tests.",
        DefaultValueFactory = _ => "cpu",
    };

    /// <summary>What matrix products compute in; null for fp32.</summary>
    public static readonly Option<string?> Precision = new("--precision")
    {
        Description = "What a GPU's matrix products compute in: fp32, tf32 or bf16; weights and sums are fp32. Default fp32.",
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

    /// <summary>The device that was asked for, with its precision and threads.</summary>
    /// <exception cref="ArgumentException">There is no such device or precision.</exception>
    /// <exception cref="DeviceException">The device cannot be used.</exception>
    public static Device OpenDevice(ParseResult arguments)
    {
        string name = arguments.GetValue(Device)!;
        Precision precision = PrecisionName.Parse(arguments.GetValue(Precision) ?? "fp32");
        Device device = name == "cpu" && precision == Kernels.Precision.Float32
            ? new CpuDevice(arguments.GetValue(Threads))
            : Kernels.Device.Open(name, precision);
        return arguments.RootCommandResult.Command is CfrCommand { Watch: { } watch } ? watch(device) : device;
    }

    /// <summary>An option of three sizes along the array's axes.</summary>
    public static Option<GridSize?> Size(string name, string description) => new(name)
    {
        Description = $"{description} Three sizes along the array's axes, such as 112,112,80.",
        CustomParser = result =>
        {
            GridSize? size = NetworkNotes.ParseSize(result.Tokens[0].Value);
            if (size is null) result.AddError($"{name} is {result.Tokens[0].Value}; expected three sizes such as 112,112,80");
            return size;
        },
    };

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
