using System.Diagnostics;

namespace Cfr.Kernels.Profiling;

/// <summary>
/// Where the time of devices goes: every call of a kernel family with what it must do at least (FLOP; bytes, inputs once and
/// outputs once), the GPU kernels that it launched, and the copies and waits of the host. Devices are watched by wrapping
/// them in <see cref="ProfiledDevice"/>; one that is not wrapped pays nothing.
/// </summary>
public sealed class Profiler
{
    readonly Stopwatch _clock = Stopwatch.StartNew();
    readonly Dictionary<(string Name, string Sizes), FamilyCall> _calls = [];
    readonly Dictionary<string, HostWork> _host = [];
    readonly Dictionary<string, Roofline?> _rooflines = [];
    readonly FamilyCall _outside = new("outside of calls", "");
    readonly Nvtx? _nvtx = Nvtx.Load();
    double _measuring;

    /// <summary>The clock runs from here on.</summary>
    public Profiler() => Current = _outside;

    /// <summary>
    /// What the device that was measured last can reach; null if none was, or only the emulator, or it has too little memory.
    /// </summary>
    public Roofline? Roofline { get; private set; }

    /// <summary>Why that device was not measured; null if it was.</summary>
    public string? NoRoofline { get; private set; }

    /// <summary>Seconds since the start, without those that it took to find the roofline.</summary>
    public double Seconds => Now - _measuring;

    /// <summary>The host's copies and waits, by name.</summary>
    public IReadOnlyDictionary<string, HostWork> Host => _host;

    /// <summary>What ran when.</summary>
    public Timeline Timeline { get; } = new();

    /// <summary>The calls so far, those that took longest first.</summary>
    /// <param name="bySizes">Whether calls of different sizes are different rows.</param>
    public IReadOnlyList<ProfileRow> Rows(bool bySizes) =>
    [
        .. _calls.Values.Append(_outside).Where(call => call.Calls > 0 || call.Kernels.Count > 0)
            .GroupBy(call => (call.Name, bySizes ? call.Sizes : "")).Select(Row).OrderByDescending(row => row.Seconds),
    ];

    ProfileRow Row(IGrouping<(string Name, string Sizes), FamilyCall> calls) => new(
        calls.Key.Name, calls.Key.Sizes, calls.Sum(call => call.Calls), calls.Sum(call => call.Seconds),
        calls.Sum(call => call.Cost.Flop), calls.Sum(call => call.Cost.Bytes),
        Roofline is null ? null : calls.Sum(call => call.Cost.LeastSeconds),
        [
            .. calls.SelectMany(call => call.Kernels).GroupBy(kernel => kernel.Key)
                .Select(kernel => new KernelTime(kernel.Key, kernel.Sum(k => k.Value.Launches), kernel.Sum(k => k.Value.Seconds)))
                .OrderByDescending(kernel => kernel.Seconds),
        ]);

    /// <summary>Begins anew with what is counted.</summary>
    public void Forget()
    {
        _calls.Clear();
        _host.Clear();
    }

    /// <summary>
    /// Finds what a device can reach, once a device, before it is watched. A device without the memory is watched all the same.
    /// </summary>
    public void Measure(Device device)
    {
        string key = $"{device.Name} {device.Description}";
        (Roofline, NoRoofline) = (_rooflines.GetValueOrDefault(key), null);
        if (_rooflines.ContainsKey(key)) return;
        double start = Now;
        try
        {
            _rooflines[key] = Roofline = Roofline.Measure(device);
        }
        catch (OutOfMemoryException error)
        {
            NoRoofline = error.Message;
        }
        _measuring += Now - start;
    }

    internal double Now => _clock.Elapsed.TotalSeconds;

    /// <summary>What a launch belongs to.</summary>
    internal FamilyCall Current { get; private set; }

    /// <summary>What is being recorded as a graph, and so does not run; null most of the time.</summary>
    internal RecordedWork? Recording { get; set; }

    /// <summary>A call of a kernel family, from here until it is disposed.</summary>
    internal Scope Call(string name, string sizes, double flop, double bytes) =>
        Call(name, sizes, new Cost(flop, bytes, Roofline?.LeastSeconds(flop, bytes) ?? 0));

    /// <summary>The same for a call of known least time.</summary>
    internal Scope Call(string name, string sizes, Cost cost)
    {
        if (Recording is { } recorded)
        {
            recorded.Cost += cost;
            return default;
        }
        if (!_calls.TryGetValue((name, sizes), out FamilyCall? call)) _calls[(name, sizes)] = call = new FamilyCall(name, sizes);
        call.Calls++;
        call.Cost += cost;
        FamilyCall outer = Current;
        Current = call;
        EnterRange(name);
        return new Scope(this, name, call, outer);
    }

    /// <summary>A copy or a wait of the host, from here until it is disposed.</summary>
    internal Scope OnHost(string name, double bytes = 0)
    {
        if (!_host.TryGetValue(name, out HostWork? work)) _host[name] = work = new HostWork();
        work.Calls++;
        work.Bytes += bytes;
        EnterRange(name);
        return new Scope(this, name, work, Current);
    }

    /// <summary>A kernel ran on the device.</summary>
    internal void Ran(FamilyCall call, string kernel, double start, double seconds)
    {
        if (!call.Kernels.TryGetValue(kernel, out KernelTotal? total)) call.Kernels[kernel] = total = new KernelTotal();
        total.Launches++;
        total.Seconds += seconds;
        Timeline.Add(new TimelineEntry(kernel, call.Name, call.Sizes, start, seconds, OnDevice: true));
    }

    internal void EnterRange(string name) => _nvtx?.Push(name);

    internal void LeaveRange() => _nvtx?.Pop();

    /// <summary>Ends what was begun; the default value ends nothing.</summary>
    internal readonly struct Scope : IDisposable
    {
        readonly Profiler? _profiler;
        readonly string _name;
        readonly object _work;
        readonly FamilyCall _outer;
        readonly double _start;

        public Scope(Profiler profiler, string name, object work, FamilyCall outer) =>
            (_profiler, _name, _work, _outer, _start) = (profiler, name, work, outer, profiler.Now);

        public void Dispose()
        {
            if (_profiler is null) return;
            double seconds = _profiler.Now - _start;
            _profiler.LeaveRange();
            _profiler.Current = _outer;
            string sizes = "";
            if (_work is FamilyCall call)
            {
                call.HostSeconds += seconds;
                sizes = call.Sizes;
            }
            else
            {
                ((HostWork)_work).Seconds += seconds;
            }
            _profiler.Timeline.Add(new TimelineEntry(_name, "", sizes, _start, seconds, OnDevice: false));
        }
    }
}
