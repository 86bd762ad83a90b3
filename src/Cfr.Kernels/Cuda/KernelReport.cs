using System.Collections.Concurrent;
using Cfr.Kernels.Cuda.Compile;

namespace Cfr.Kernels.Cuda;

/// <summary>A kernel, for people.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">Class and method of its code: <c>MapKernel.Apply</c>.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
/// <param name="TensorCores">Whether it computes on tensor cores.</param>
/// <param name="Targets">Generations of GPUs that reports assemble it for.</param>
public sealed record KernelSummary(
    string Name, string Source, int Threads, int SharedBytes, bool TensorCores, IReadOnlyList<ComputeCapability> Targets);

/// <summary>All GPU kernels: their list, their PTX, and what the assembler makes of them. Needs no GPU.</summary>
public sealed class KernelReport : IDisposable
{
    readonly PtxCompiler _compiler = new();
    readonly CudaTools? _tools = CudaTools.Find();

    /// <summary>PTX of a kernel for one target; another differs in two lines.</summary>
    readonly ConcurrentDictionary<string, string> _compiled = [];

    /// <summary>Every kernel, by name.</summary>
    public static IReadOnlyList<KernelSummary> Kernels { get; } =
    [
        .. KernelCatalog.All.Select(kernel => new KernelSummary(
            kernel.Name, kernel.Source, kernel.Threads, kernel.SharedBytes, kernel.TensorCores,
            kernel.WarpgroupSums > 0
                ? [ComputeCapability.Hopper]
                : [ComputeCapability.Oldest, ComputeCapability.Hopper])),
    ];

    /// <summary>Release of the assembler found, or null where there is none.</summary>
    public string? AssemblerVersion => _tools?.Version;

    /// <summary>The PTX of a kernel.</summary>
    /// <exception cref="ArgumentException">There is no such kernel.</exception>
    /// <exception cref="KernelException">It does not compile.</exception>
    public string Ptx(string name, ComputeCapability capability) => PtxText.Target(
        name, _compiled.GetOrAdd(name, _ => _compiler.Compile(KernelCatalog.Named(name), capability)), capability);

    /// <summary>What the assembler makes of a kernel.</summary>
    /// <exception cref="InvalidOperationException">There is no assembler here.</exception>
    /// <exception cref="KernelException">The kernel does not compile or is refused.</exception>
    public KernelFacts Facts(string name, ComputeCapability capability)
    {
        CudaTools tools = _tools ?? throw new InvalidOperationException(
            "ptxas is not here; scripts/get-ptxas.sh fetches it");
        return KernelFacts.Of(KernelCatalog.Named(name), Ptx(name, capability), capability, tools);
    }

    /// <inheritdoc/>
    public void Dispose() => _compiler.Dispose();
}
