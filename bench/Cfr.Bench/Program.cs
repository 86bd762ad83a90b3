using BenchmarkDotNet.Running;
using Cfr.Bench;
using Cfr.Kernels;
using Cfr.TestKit;

if (args is ["serve"])
    Serve();
else
    BenchmarkSwitcher.FromAssembly(typeof(OpBenchmarks).Assembly).Run(args);

// One line in, one line out, so that a script can take turns between this process and another one:
// "CASE | PHASE" -> seconds of one run, and the most bytes it held at once.
static void Serve()
{
    using var device = Device.Open("cpu");
    var ready = new Dictionary<string, Work>();
    while (Console.ReadLine() is { Length: > 0 } line)
    {
        if (!ready.TryGetValue(line, out Work? work))
        {
            string[] parts = line.Split(" | ");
            ready.Clear();
            ready[line] = work = new Work(device, OpCases.Named(parts[0]), parts[1]);
        }
        device.Pool.ResetPeak();
        long before = device.Pool.BytesInUse;
        double seconds = work.Seconds();
        Console.WriteLine($"{seconds:R} {device.Pool.PeakBytes - before}");
    }
}
