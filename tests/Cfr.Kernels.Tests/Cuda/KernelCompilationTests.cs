using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;

namespace Cfr.Kernels.Tests.Cuda;

public class KernelCompilationTests
{
    static readonly PtxCompiler Compiler = new();

    public static TheoryData<string> Names => [.. KernelCatalog.All.Select(kernel => kernel.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Compiles_to_PTX_without_local_memory(string name)
    {
        string ptx = Compiler.Compile(KernelCatalog.Named(name), new ComputeCapability(9, 0));
        Assert.Contains($".visible .entry {name}(", ptx);
        Assert.Contains(".target sm_90", ptx);
        Assert.DoesNotContain(".local", ptx);
        Assert.DoesNotMatch(@"\s(add|sub|mul)\.f32", ptx);
        Assert.DoesNotMatch(@"@!?%p\d+\s+bra\.uni", ptx);
    }

    [Fact]
    public void Names_are_unique() =>
        Assert.Equal(KernelCatalog.All.Count, KernelCatalog.All.Select(kernel => kernel.Name).Distinct().Count());
}
