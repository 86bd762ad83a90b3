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
    public static readonly Option<string> Device = Named(new Option<string>("--device")
    {
        Description = "Where to compute: cpu; cuda or cuda:1, a GPU; emulated, the GPU kernels on the processor, for tests.",
        DefaultValueFactory = _ => "cpu",
        CompletionSources = { "cpu", "cuda", "cuda:0", "emulated" },
    });

    /// <summary>What matrix products compute in.</summary>
    public static readonly Option<string> Precision = new Option<string>("--precision")
    {
        Description = "What a GPU's matrix products compute in; weights and sums are fp32 always.",
        DefaultValueFactory = _ => Kernels.Precision.Float32.Name(),
    }.AcceptOnlyFromAmong([.. Enum.GetValues<Precision>().Select(precision => precision.Name())]);

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
    /// <exception cref="ArgumentException">The device has no such precision.</exception>
    /// <exception cref="DeviceException">The device cannot be used.</exception>
    public static Device OpenDevice(ParseResult arguments)
    {
        string name = arguments.GetValue(Device)!;
        Precision precision = PrecisionName.Parse(arguments.GetValue(Precision)!);
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

    static Option<string> Named(Option<string> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !Kernels.Device.IsName(result.Tokens[0].Value))
                result.AddError($"{option.Name} is {result.Tokens[0].Value}; expected cpu, cuda, cuda:N or emulated");
        });
        return option;
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
