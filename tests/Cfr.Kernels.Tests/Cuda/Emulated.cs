using Cfr.Kernels.Cuda;

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

    /// <summary>A view that begins one float into its buffer, so that no packet is aligned.</summary>
    public static View Unaligned(this Operands operands, params float[] values)
    {
        View view = operands.Of([0, .. values]);
        return view.Slice(1);
    }
}
