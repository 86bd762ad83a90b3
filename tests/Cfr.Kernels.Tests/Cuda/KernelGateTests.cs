using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Every kernel through ILGPU, once, and through NVIDIA's assembler, against its line in <c>tests/Golden/kernels.csv</c>
/// (<c>cfr kernels --report --csv</c> writes that table).
/// </summary>
public class KernelGateTests
{
    const int StaticSharedLimit = 48 << 10;

    static readonly KernelReport Report = new();
    static readonly string[] Table = File.ReadAllLines(TestKit.Golden.Path("kernels.csv"));

    static readonly Dictionary<(string, string), string[]> Lines = Table.Skip(2).Select(line => line.Split(','))
        .ToDictionary(fields => (fields[0], fields[1]));

    public static TheoryData<string, int> Kernels =>
        [.. KernelReport.Kernels.SelectMany(kernel => kernel.Targets, (kernel, target) => (kernel.Name, target.Number))];

    public static TheoryData<string> Names => [.. KernelCatalog.All.Select(kernel => kernel.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Compiles_to_PTX_without_local_memory(string name)
    {
        string ptx = Report.Ptx(name, new ComputeCapability(9, 0));
        Assert.Contains($".visible .entry {name}(", ptx);
        Assert.Contains(".target sm_90", ptx);
        Assert.DoesNotContain(".local", ptx);
        Assert.DoesNotMatch(@"\s(add|sub|mul)\.f(32|64)", ptx);
        Assert.DoesNotMatch(@"@!?%p\d+\s+bra\.uni", ptx);
    }

    [Fact]
    public void Names_are_unique() =>
        Assert.Equal(KernelCatalog.All.Count, KernelCatalog.All.Select(kernel => kernel.Name).Distinct().Count());

    [Theory, MemberData(nameof(Kernels))]
    public void Assembles_within_its_budget(string name, int target)
    {
        if (Report.AssemblerVersion is not { } version) { Assert.Skip("no ptxas here; scripts/get-ptxas.sh fetches it"); return; }
        Kernel kernel = KernelCatalog.Named(name);
        if (kernel.WarpgroupSums > 0 && Version.Parse(version).Major < 12) { Assert.Skip($"ptxas {version} does not know warp groups"); return; }
        KernelFacts facts = Report.Facts(name, new ComputeCapability(target / 10, target % 10));
        Assert.Equal((0, 0, 0), (facts.StackBytes, facts.SpillBytes, facts.LocalAccesses));
        Assert.InRange(facts.StaticSharedBytes, 0, StaticSharedLimit);
        if (kernel.TensorCores) Assert.NotEqual(0, facts.Hmma);
        Assert.True(Lines.TryGetValue((name, facts.Target), out string[]? line), $"tests/Golden/kernels.csv has no line for {facts.ToCsv()}");
        Assert.Equal(string.Join(',', line[5..]), string.Join(',', facts.ToCsv().Split(',')[5..]));
        if (Table[0] == $"# ptxas {version}")
            Assert.True(facts.Registers <= int.Parse(line[2]), $"{facts.Registers} registers, {line[2]} allowed, in {name} for {facts.Target}");
    }

    [Fact]
    public void The_table_has_no_line_for_a_kernel_that_is_gone() =>
        Assert.Empty(Lines.Keys.Select(key => key.Item1).Except(KernelCatalog.All.Select(kernel => kernel.Name)));
}
