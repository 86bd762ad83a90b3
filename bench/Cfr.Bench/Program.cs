using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Cfr.Bench;
using Cfr.Kernels;

const int WidestName = 100;

if (args is ["serve"])
{
    Serve();
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
