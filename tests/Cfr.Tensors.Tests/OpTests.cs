using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Every case of the list, on every form of the CPU device.</summary>
public class OpTests
{
    static readonly Device OneThread = new CpuDevice(threads: 1);
    static readonly Device TwoThreads = new CpuDevice(threads: 2);
    static readonly Device ThreeThreads = new CpuDevice(threads: 3);

    public static TheoryData<string> Cases =>
        [.. OpCases.All.Where(one => !one.BenchmarkOnly).Select(one => one.ToString())];

    [Theory, MemberData(nameof(Cases))]
    public void Forward_matches_the_naive_form_in_double_precision(string name) =>
        OpCheck.Forward(OpCases.Named(name), TwoThreads);

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_match_finite_differences(string name) => OpCheck.Gradients(OpCases.Named(name), TwoThreads);

    [Theory, MemberData(nameof(Cases))]
    public void Results_are_the_same_bits_twice_and_on_any_number_of_threads(string name) =>
        OpCheck.SameBits(OpCases.Named(name), OneThread, TwoThreads, ThreeThreads);

    [Theory, MemberData(nameof(Cases))]
    public void Vectors_of_any_width_agree_with_double_precision(string name)
    {
        foreach (int width in (int[])[4, 8, 16])
        {
            using var device = new CpuDevice(threads: 1, vectorWidth: width);
            OpCheck.Forward(OpCases.Named(name), device);
            OpCheck.Gradients(OpCases.Named(name), device);
        }
    }
}
