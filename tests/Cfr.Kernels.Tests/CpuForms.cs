using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

/// <summary>The CPU device with every vector width, on one and on several threads.</summary>
static class CpuForms
{
    public static readonly CpuDevice[] All =
    [
        new(threads: 1, vectorWidth: 4), new(threads: 1, vectorWidth: 8), new(threads: 2, vectorWidth: 8),
        new(threads: 3, vectorWidth: 16),
    ];

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, All.Length)];
}
