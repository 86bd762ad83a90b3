using BenchmarkDotNet.Attributes;
using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Bench;

/// <summary>Every case that is marked for the benchmark, at shapes of real networks: forward, and with its gradients.</summary>
public class OpBenchmarks
{
    Device _device = null!;
    IWork _work = null!;

    /// <summary><c>CASE | PHASE</c>.</summary>
    public static IEnumerable<string> Works =>
        OpCases.All.Where(one => one.BenchmarkOnly).SelectMany(one => OpWork.PhasesOf(one).Select(phase => $"{one} | {phase}"));

    [ParamsSource(nameof(Works))]
    public string Name { get; set; } = "";

    [GlobalSetup]
    public void Open()
    {
        _device = Device.Open("cpu");
        _work = IWork.Parse(_device, Name);
    }

    [GlobalCleanup]
    public void Close() => _device.Dispose();

    [Benchmark]
    public double Run() => _work.Seconds();
}
