using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>One thing to time: what it is called here and in <c>bench/peers</c>, and what it costs.</summary>
/// <param name="Name">Case and precision: <c>matmul 4096x4096x4096 bf16</c>.</param>
/// <param name="Precision">Of the device that it runs on.</param>
/// <param name="Flop">Floating-point operations, or 0 where bytes alone count.</param>
/// <param name="Bytes">Bytes that must move, inputs once, outputs once; 0 of a whole network.</param>
/// <param name="Prepare">Makes what it works on; returns what starts it once.</param>
sealed record GpuWork(string Name, Precision Precision, double Flop, double Bytes, Func<Operands, Action> Prepare)
{
    /// <summary>Costs the host's time alone.</summary>
    public const string Launch = "launch";

    /// <summary>The list of things to time.</summary>
    public static IEnumerable<GpuWork> All =>
    [
        .. MemoryBoundWorks.All, .. NormWorks.All, .. TrainingWorks.All, .. MatmulWorks.All, .. ConvolutionWorks.All,
        .. AttentionWorks.All, .. NetworkWorks.All,
    ];
}
