using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>The small cases of the list on the CUDA kernels, in the emulator.</summary>
public class EmulatedOpTests
{
    static readonly Device Emulated = Device.Open("emulated");

    public static TheoryData<string> Cases =>
        [.. OpCases.All.Where(one => !one.BenchmarkOnly && one.Family is "relu" or "gelu" or "exp" or "tanh" or "sigmoid").Select(one => one.ToString())];

    [Theory, MemberData(nameof(Cases))]
    public void Forward_matches_the_naive_form_in_double_precision(string name) =>
        OpCheck.Forward(OpCases.Named(name), Emulated);

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) => OpCheck.Gradients(OpCases.Named(name), Emulated);
}
