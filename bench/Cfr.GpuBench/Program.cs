using System.Diagnostics;
using Cfr.GpuBench;
using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Cuda.Driver;
using Cfr.TestKit;

const string Usage = "usage: cfr-gpu-bench check | run [PATTERN]";

try
{
    switch (args)
    {
        case ["check"]: return Check();
        case ["run"]: return Run("");
        case ["run", var pattern]: return Run(pattern);
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}
catch (Exception error) when (error is DeviceException or CudaException or KernelException)
{
    Console.Error.WriteLine($"cfr-gpu-bench: {error.Message}");
    return 1;
}

// Every op case on the GPU: against double precision, gradients, and the same bits twice; those of matrix products and
// convolutions in every precision, and every tile of theirs.
static int Check()
{
    // What is large enough for tensor cores has only cases of the benchmark.
    const double MostFlop = 1e9, MostFlopOfGradients = 1e8;
    int failed = 0, passed = 0;
    foreach (Precision precision in Enum.GetValues<Precision>())
    {
        using var device = new CudaDevice(0, precision);
        Console.WriteLine($"{device.Name}: {device.Description}, CUDA {device.DriverVersion}");
        foreach (OpCase one in OpCases.All)
        {
            bool isProduct = OpCheck.ComputesInPrecision(one);
            if (one.BenchmarkOnly ? !isProduct || one.Flop > MostFlop : precision != Precision.Float32 && !isProduct)
                continue;
            Try($"{one} in {precision.Name()}", () =>
            {
                OpCheck.Forward(one, device);
                if (one.Flop <= MostFlopOfGradients) OpCheck.Gradients(one, device);
                OpCheck.SameBits(one, device);
            });
        }
        if (precision == Precision.Float32)
            foreach (var (name, check) in Ladder.Cases(device, Ladder.Sizes)) Try(name, check);
    }
    Console.WriteLine($"{passed} cases passed, {failed} failed");
    return failed == 0 ? 0 : 1;

    void Try(string name, Action check)
    {
        try
        {
            check();
            passed++;
        }
        catch (Exception error)
        {
            Console.WriteLine($"FAILED {name}: {error.GetType().Name}: {error.Message}");
            failed++;
            // The device is lost, and with it all that would follow.
            if (error is CudaException) throw;
        }
    }
}

// One line a work: name, median milliseconds, FLOP, bytes; tab-separated.
static int Run(string pattern)
{
    const int Repeats = 25;
    const double WarmUpMilliseconds = 50, BatchMilliseconds = 2;
    foreach (var group in GpuWorks.Groups.GroupBy(group => group.Precision))
    {
        using var device = new CudaDevice(0, group.Key);
        if (group.Key == Precision.Float32)
            Console.WriteLine($"# {device.Gpu.Name}\t{device.DriverVersion}\tcompute capability {device.Gpu.Capability}");
        using var timer = new CudaTimer(device);
        foreach (var (_, make) in group)
        {
            using var operands = new Operands(device);
            foreach (GpuWork work in make(device, operands).Where(work => work.Name.Contains(pattern)))
            {
                if (work.Name == "launch")
                {
                    Console.WriteLine($"{work.Name}\t{LaunchMilliseconds(device, work):R}\t0\t0");
                    continue;
                }
                double once = 0;
                for (double warm = 0; warm < WarmUpMilliseconds; warm += Math.Max(once, 0.01)) once = timer.Measure(work.Launch);
                int batch = Math.Max(1, (int)(BatchMilliseconds / Math.Max(once, 1e-3)));
                double[] times =
                [
                    .. Enumerable.Range(0, Repeats).Select(_ => timer.Measure(() =>
                    {
                        for (int i = 0; i < batch; i++) work.Launch();
                    }) / batch).Order(),
                ];
                Console.WriteLine($"{work.Name}\t{times[Repeats / 2]:R}\t{work.Flop:R}\t{work.Bytes:R}");
            }
        }
    }
    return 0;
}

// What the host pays for one asynchronous launch.
static double LaunchMilliseconds(CudaDevice device, GpuWork work)
{
    const int Launches = 500, Rounds = 20;
    var times = new double[Rounds];
    for (int round = 0; round < Rounds; round++)
    {
        device.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Launches; i++) work.Launch();
        times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Launches;
    }
    device.Synchronize();
    Array.Sort(times);
    return times[Rounds / 2];
}
