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
        IfSupported(() => OpCheck.Forward(OpCases.Named(name), Emulated));

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) =>
        IfSupported(() => OpCheck.Gradients(OpCases.Named(name), Emulated));

    [Theory, MemberData(nameof(Cases))]
    public void Results_are_the_same_bits_twice(string name) =>
        IfSupported(() => OpCheck.SameBits(OpCases.Named(name), Emulated));

    /// <summary>Skips what needs a family that has no CUDA kernels yet.</summary>
    static void IfSupported(Action check)
    {
        try
        {
            check();
        }
        catch (NotSupportedException missing)
        {
            Assert.Skip(missing.Message);
        }
    }
}
