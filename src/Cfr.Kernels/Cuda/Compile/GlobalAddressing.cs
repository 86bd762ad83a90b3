using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Kernels take raw addresses, all of global memory, and ILGPU loads and stores through them with generic instructions.
/// Said to be global they need no look-up of the address space. A kernel that makes a generic address of shared or local
/// memory would read the wrong place: that is an error.
/// </summary>
static partial class GlobalAddressing
{
    /// <exception cref="KernelException">The kernel has generic addresses of another space.</exception>
    public static string Apply(string kernel, string ptx)
    {
        if (OtherSpace().Match(ptx) is { Success: true } conversion)
            throw new KernelException(
                $"kernel {kernel}: `{conversion.Value.Trim()}` makes a generic address of shared or local memory; "
                + "use the view itself, not a pointer into it");
        return Generic().Replace(ptx, "$1.global$2");
    }

    [GeneratedRegex(@"cvta\.(shared|local)[^\n]*")]
    private static partial Regex OtherSpace();

    [GeneratedRegex(@"(?<=[\t ])(ld|st|atom|red)(\.(?:v2\.|v4\.|add\.|max\.|min\.|exch\.|cas\.)?[bfus]\d+)")]
    private static partial Regex Generic();
}
