using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>The small cases of the list on the CUDA kernels, in the emulator.</summary>
public class EmulatedOpTests
{
    static readonly Device Emulated = Device.Open("emulated");

    /// <summary>How the names of the families begin whose kernels there are.</summary>
    static readonly string[] Families =
    [
        "relu", "gelu", "exp", "tanh", "sigmoid", "layer norm", "batch norm", "group norm", "instance norm", "sum", "mean", "max", "arg-max",
    ];

    public static TheoryData<string> Cases =>
    [
        .. OpCases.All
            .Where(one => !one.BenchmarkOnly && Families.Any(family => one.Family.StartsWith(family)))
            .Select(one => one.ToString()),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Forward_matches_the_naive_form_in_double_precision(string name) =>
        OpCheck.Forward(OpCases.Named(name), Emulated);

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) => OpCheck.Gradients(OpCases.Named(name), Emulated);
}
