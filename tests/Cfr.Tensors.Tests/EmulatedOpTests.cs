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
    public void Forward_matches_the_naive_form_in_double_precision(string name) =>
        OpCheck.Forward(OpCases.Named(name), Emulated);

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) => OpCheck.Gradients(OpCases.Named(name), Emulated);

    [Theory, MemberData(nameof(Cases))]
    public void Results_are_the_same_bits_twice(string name) => OpCheck.SameBits(OpCases.Named(name), Emulated);
}
