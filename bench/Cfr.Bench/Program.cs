using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Cfr.Bench;
using Cfr.Kernels;
using Cfr.Kernels.Profiling;

const int WidestName = 100;

if (args is ["serve"])
{
    Serve();
    return;
}
if (args is ["profile", var work])
{
    Profile(work);
    return;
}
BenchmarkSwitcher.FromAssembly(typeof(OpBenchmarks).Assembly).Run(
    args, DefaultConfig.Instance.WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(WidestName)));

// One line in, one line out, so that a script can take turns between this process and another one:
// "CASE | PHASE" -> seconds of one run, and the bytes it needed.
static void Serve()
{
    using var device = Device.Open("cpu");
    (string Line, IWork? Work) current = ("", null);
    while (Console.ReadLine() is { Length: > 0 } line)
    {
        if (line != current.Line) current = (line, IWork.Parse(device, line));
        double seconds = current.Work!.Seconds();
        Console.WriteLine($"{seconds:R} {current.Work.PeakBytes()}");
    }
}

// Where the time of "CASE | PHASE" goes: milliseconds of a run by kernel and sizes, largest first.
static void Profile(string line)
{
    const int WarmRuns = 2, Runs = 5;
    var profiler = new Profiler();
    using var device = new ProfiledDevice(Device.Open("cpu"), profiler);
    IWork work = IWork.Parse(device, line);
    for (int run = 0; run < WarmRuns; run++) work.Seconds();
    profiler.Forget();
    double whole = 0;
    for (int run = 0; run < Runs; run++) whole += work.Seconds();
    Console.WriteLine($"{whole / Runs * 1e3,9:F2} ms {"",9} {line}");
    foreach (ProfileRow row in profiler.Rows(bySizes: true))
        Console.WriteLine($"{row.Seconds / Runs * 1e3,9:F2} ms {row.Calls / Runs,4} calls {row.Name} {row.Sizes}");
}
