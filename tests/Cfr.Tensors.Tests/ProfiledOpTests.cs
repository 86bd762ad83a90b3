using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Profiling;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>A watched device computes what it computes unwatched: every call is passed on as it came.</summary>
public class ProfiledOpTests
{
    static readonly Device Plain = new CpuDevice(threads: 2);
    static readonly Device Profiled = new ProfiledDevice(new CpuDevice(threads: 2), new Profiler());

    public static TheoryData<string> Cases =>
        [.. OpCases.All.Where(one => !one.BenchmarkOnly).Select(one => one.ToString())];

    [Theory, MemberData(nameof(Cases))]
    public void Results_are_the_same_bits(string name) => OpCheck.SameBits(OpCases.Named(name), Plain, Profiled);
}
