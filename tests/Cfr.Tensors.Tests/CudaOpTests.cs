using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Every case of the list on the first GPU; skipped where there is none.</summary>
public class CudaOpTests
{
    static readonly Device? Gpu;
    static readonly string Missing = "";

    static CudaOpTests()
    {
        try
        {
            Gpu = Device.Open("cuda");
        }
        catch (DeviceException missing)
        {
            Missing = missing.Message;
        }
    }

    /// <summary>Without a GPU a single case, which is skipped.</summary>
    public static TheoryData<string> Cases =>
        Gpu is null ? [Missing] : [.. OpCases.All.Where(one => !one.BenchmarkOnly).Select(one => one.ToString())];

    [Theory, MemberData(nameof(Cases))]
    public void Forward_matches_the_naive_form_in_double_precision(string name) =>
        OnGpu(gpu => OpCheck.Forward(OpCases.Named(name), gpu));

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) =>
        OnGpu(gpu => OpCheck.Gradients(OpCases.Named(name), gpu));

    [Theory, MemberData(nameof(Cases))]
    public void Results_are_the_same_bits_twice(string name) =>
        OnGpu(gpu => OpCheck.SameBits(OpCases.Named(name), gpu));

    static void OnGpu(Action<Device> check)
    {
        if (Gpu is null) Assert.Skip(Missing);
        check(Gpu);
    }
}
