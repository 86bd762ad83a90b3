using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>The small cases of the list on the CUDA kernels, in the emulator.</summary>
public class EmulatedOpTests
{
    /// <summary>A product takes the emulator up to a microsecond, forward and in each gradient.</summary>
    const double MostFlop = 1e7;

    static readonly Device Emulated = Device.Open("emulated");

    public static TheoryData<string> Cases =>
        [.. OpCases.All.Where(one => !one.BenchmarkOnly && one.Flop <= MostFlop).Select(one => one.ToString())];

    [Theory, MemberData(nameof(Cases))]
    public void Results_and_gradients_match_double_precision_and_are_the_same_bits_twice(string name) =>
        OpCheck.All(OpCases.Named(name), Emulated);
}
