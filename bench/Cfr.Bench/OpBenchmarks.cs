using BenchmarkDotNet.Attributes;
using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Bench;

/// <summary>Forward and backward of every case that is marked for the benchmark, at shapes of real networks.</summary>
public class OpBenchmarks
{
    Device _device = null!;
    Work _forward = null!, _backward = null!;

    public static IEnumerable<string> Cases =>
        OpCases.All.Where(one => one.BenchmarkOnly).Select(one => one.ToString());

    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    [GlobalSetup]
    public void Open()
    {
        _device = Device.Open("cpu");
        _forward = new Work(_device, OpCases.Named(Case), Work.Forward);
        _backward = new Work(_device, OpCases.Named(Case), Work.Both);
    }

    [GlobalCleanup]
    public void Close() => _device.Dispose();

    [Benchmark(Baseline = true)]
    public double Forward() => _forward.Seconds();

    [Benchmark]
    public double ForwardAndBackward() => _backward.Seconds();
}
