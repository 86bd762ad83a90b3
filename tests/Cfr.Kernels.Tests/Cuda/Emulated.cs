using Cfr.Kernels.Cuda;
using Cfr.TestKit.Ptx;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>The emulated device that kernel-level tests share; they hold it for the time of a test.</summary>
static class Emulated
{
    public static readonly EmulatedDevice Device = new();

    /// <summary>
    /// A device of each precision, for all tests of a class: ILGPU compiles each kernel once. Classes run side by side,
    /// a device does not.
    /// </summary>
    public static Dictionary<Precision, EmulatedDevice> OfEachPrecision() =>
        Enum.GetValues<Precision>().ToDictionary(precision => precision, precision => new EmulatedDevice(precision));

    /// <summary>A GPU with warp groups: what its kernels say in C#, or their PTX.</summary>
    public static GpuDevice Hopper(string name) => name == "ptx"
        ? new PtxDevice(Precision.BFloat16) { HasWarpgroups = true, SmallWork = 0 }
        : new EmulatedDevice(Precision.BFloat16) { HasWarpgroups = true, SmallWork = 0 };

    /// <summary>A view that begins one float into its buffer, so that no packet is aligned.</summary>
    public static View Unaligned(this Operands operands, params float[] values)
    {
        View view = operands.Of([0, .. values]);
        return view.Slice(1);
    }
}
