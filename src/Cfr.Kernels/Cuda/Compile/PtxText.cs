using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>The lines around a kernel's code: its version, its target, its name.</summary>
static partial class PtxText
{
    /// <summary>Names the entry point after the kernel.</summary>
    public static string Name(string ptx, string kernel) => Entry().Replace(ptx, $".visible .entry {kernel}(");

    /// <summary>
    /// Says that products and sums round as they stand. Left open, ptxas fuses some of them, and which ones depends on
    /// the order of lines, which ILGPU does not fix; a kernel that wants a fused one says <see cref="Ptx.MultiplyAdd"/>.
    /// </summary>
    public static string Round(string ptx) => OpenRounding().Replace(ptx, "$1.rn.$2");

    /// <summary>
    /// Writes <c>.target sm_MN</c> and the version of PTX that knows it; products of warp groups are only in Hopper's own
    /// set of instructions, <c>sm_90a</c>.
    /// </summary>
    /// <exception cref="KernelException">There are such products, and the target is another.</exception>
    public static string Target(string kernel, string ptx, ComputeCapability capability)
    {
        bool isHoppers = ptx.Contains("wgmma.");
        if (isHoppers && capability != ComputeCapability.Hopper)
        {
            throw new KernelException(
                $"kernel {kernel}: products of warp groups are for sm_{ComputeCapability.Hopper.Number} alone, not for sm_{capability.Number}");
        }
        string version = isHoppers ? "8.0" : capability.PtxVersion, target = $"sm_{capability.Number}{(isHoppers ? "a" : "")}";
        return TargetLine().Replace(VersionLine().Replace(ptx, $".version {version}"), $".target {target}");
    }

    /// <summary>What the target line says: <c>sm_90</c>.</summary>
    public static string TargetOf(string ptx) => TargetLine().Match(ptx).Value.Split(' ')[^1];

    /// <summary>The line that an assembler's message is about, quoted, where it names one.</summary>
    public static string Quote(string ptx, string message) =>
        MessageLine().Match(message) is { Success: true } match
        && ptx.Split('\n').ElementAtOrDefault(int.Parse(match.Groups[1].Value) - 1) is { } line
            ? $"{message.Trim()} `{line.Trim()}`"
            : message.Trim();

    /// <summary>
    /// Takes the claim "all threads of a warp go the same way" from conditional branches. ILGPU makes it of conditions
    /// that come from shuffles or from a divergent branch before; ptxas then leaves out the meeting point behind the
    /// branch, and the next shuffle runs with a part of the warp.
    /// </summary>
    public static string Diverge(string ptx) => ClaimedUniform().Replace(ptx, "${condition}bra\t");

    /// <summary>
    /// The first line with a float constant below 2^-126, or null. Nobody writes such a number: ILGPU takes the bits of
    /// a whole number for a float's where a conditional between whole numbers becomes a float (<c>float n = b ? 1 : 0</c>).
    /// </summary>
    public static string? WholeNumberAsFloat(string ptx) =>
        Subnormal().Match(ptx) is { Success: true } match ? match.Value.Trim() : null;

    /// <summary>Bytes of the one parameter.</summary>
    public static int ParameterBytes(string ptx) =>
        Parameter().Match(ptx) is { Success: true } match ? int.Parse(match.Groups[1].Value) : 0;

    /// <summary>Bytes of static shared memory.</summary>
    public static int StaticSharedBytes(string ptx) =>
        StaticShared().Matches(ptx).Sum(match => int.Parse(match.Groups[1].Value));

    [GeneratedRegex(@"\.visible \.entry \w+\(")]
    private static partial Regex Entry();

    [GeneratedRegex(@"(?<=\s)(add|sub|mul)\.(f32|f64)")]
    private static partial Regex OpenRounding();

    [GeneratedRegex(@"(?<condition>@!?%p\d+\s+)bra\.uni\s")]
    private static partial Regex ClaimedUniform();

    [GeneratedRegex(@"^.*\b0f(?!00000000)00[0-7][0-9A-Fa-f]{5}\b.*$", RegexOptions.Multiline)]
    private static partial Regex Subnormal();

    [GeneratedRegex(@"line (\d+)")]
    private static partial Regex MessageLine();

    [GeneratedRegex(@"\.target sm_\d+a?")]
    private static partial Regex TargetLine();

    [GeneratedRegex(@"\.version \d+\.\d+")]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"\.param \.align \d+ \.b8 \w+\[(\d+)\]")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 \w+\[(\d+)\];")]
    private static partial Regex StaticShared();
}
