using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cfr.GpuBench;
using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Cuda.Driver;
using Cfr.TestKit;

const string Usage = "usage: cfr-gpu-bench check [PART/PARTS [PATTERN]] | list | run [PATTERN]";

try
{
    switch (args)
    {
        case ["check"]: return Check(0, 1, "");
        case ["check", var part, .. var rest] when part.Split('/') is [var index, var parts] && rest.Length < 2
            && int.TryParse(index, out int i) && int.TryParse(parts, out int n) && i >= 1 && i <= n:
            return Check(i - 1, n, rest.FirstOrDefault(""));
        case ["list"]: return List();
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

// Every op case on the GPU: against double precision, gradients, and the same bits twice; those of matrix products in
// every precision, and every tile of theirs. A part of them is every n-th: parts run side by side, as processes, since
// assembling kernels takes most of the time and a fault ends a process.
static int Check(int part, int parts, string pattern)
{
    // What is large enough for tensor cores has only cases of the benchmark.
    const double MostFlop = 1e9, MostFlopOfGradients = 1e8;
    int failed = 0, passed = 0, seen = 0;
    foreach (Precision precision in Enum.GetValues<Precision>())
    {
        using var device = new CudaDevice(0, precision);
        Console.WriteLine($"{device.Name}: {device.Description}, CUDA {device.DriverVersion}");
        foreach (OpCase one in OpCases.All)
        {
            bool isProduct = OpCheck.ComputesInPrecision(one);
            if (one.BenchmarkOnly ? !isProduct || one.Flop > MostFlop : precision != Precision.Float32 && !isProduct)
                continue;
            Try($"{one} in {precision.Name()}", () => CheckCase(one, device));
            if (!isProduct) continue;
            Try($"{one} in {precision.Name()}, as if large", () =>
            {
                long usual = device.SmallWork;
                device.SmallWork = 0;
                try
                {
                    CheckCase(one, device);
                }
                finally
                {
                    device.SmallWork = usual;
                }
            });
        }
        if (precision == Precision.Float32)
            foreach (var (name, check) in Ladder.Cases(device, Ladder.Sizes)) Try(name, check);
    }
    Console.WriteLine($"{passed} cases passed, {failed} failed");
    return failed == 0 ? 0 : 1;

    static void CheckCase(OpCase one, Device device)
    {
        OpCheck.Forward(one, device);
        if (one.Flop <= MostFlopOfGradients) OpCheck.Gradients(one, device);
        OpCheck.SameBits(one, device);
    }

    void Try(string name, Action check)
    {
        if (!name.Contains(pattern) || seen++ % parts != part) return;
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

static int List()
{
    foreach (GpuWork work in GpuWork.All) Console.WriteLine(work.Name);
    return 0;
}

// One line a work: name, median milliseconds, FLOP, bytes, the most MiB that the pool lent; tab-separated.
static int Run(string pattern)
{
    foreach (var group in GpuWork.All.Where(work => work.Name.Contains(pattern)).GroupBy(work => work.Precision))
    {
        using var device = new CudaDevice(0, group.Key);
        using var timer = new CudaTimer(device);
        Console.WriteLine($"# {device.Gpu.Name}\t{device.DriverVersion}\tcompute capability {device.Gpu.Capability}");
        foreach (GpuWork work in group)
        {
            using var operands = new Operands(device);
            device.Pool.ResetPeak();
            var (milliseconds, peak) = Time(timer, work, operands);
            Console.WriteLine($"{work.Name}\t{milliseconds:R}\t{work.Flop:R}\t{work.Bytes:R}\t{peak / (double)(1 << 20):F1}");
        }
    }
    return 0;
}

// Median milliseconds of one launch, and the largest number of bytes in use meanwhile. A method of its own, so that
// nothing holds what was prepared when the operands go.
[MethodImpl(MethodImplOptions.NoInlining)]
static (double Milliseconds, long Peak) Time(CudaTimer timer, GpuWork work, Operands operands)
{
    const int MostRepeats = 25, FewestRepeats = 3;
    const double WarmUpMilliseconds = 50, BatchMilliseconds = 2, WholeMilliseconds = 2000;
    CudaDevice device = operands.Device;
    Action launch = work.Prepare(operands);
    if (work.Name == GpuWork.Launch) return (LaunchMilliseconds(device, launch), device.Pool.PeakBytes);
    double once = timer.Measure(launch);
    for (double warm = 0; warm < WarmUpMilliseconds; warm += Math.Max(once, 0.01)) once = timer.Measure(launch);
    once = Math.Max(once, 1e-3);
    int batch = Math.Max(1, (int)(BatchMilliseconds / once));
    int repeats = Math.Clamp((int)(WholeMilliseconds / (batch * once)), FewestRepeats, MostRepeats);
    double[] times =
    [
        .. Enumerable.Range(0, repeats).Select(_ => timer.Measure(() =>
        {
            for (int i = 0; i < batch; i++) launch();
        }) / batch).Order(),
    ];
    return (times[repeats / 2], device.Pool.PeakBytes);
}

// What the host pays for one asynchronous launch.
static double LaunchMilliseconds(CudaDevice device, Action launch)
{
    const int Launches = 500, Rounds = 20;
    var times = new double[Rounds];
    for (int round = 0; round < Rounds; round++)
    {
        device.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Launches; i++) launch();
        times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Launches;
    }
    device.Synchronize();
    Array.Sort(times);
    return times[Rounds / 2];
}
