namespace Cfr.Kernels.Profiling;

/// <summary>What a GPU's launches tell a <see cref="Profiler"/>: which kernel, when, and for which call.</summary>
sealed class LaunchProfiler(Profiler profiler, ILaunchClock clock) : IDisposable
{
    const string Graph = "graph";

    string _kernel = "";

    /// <summary>A kernel is about to be launched.</summary>
    public void Before(string kernel)
    {
        if (profiler.Recording is { } recorded)
        {
            recorded.Launches++;
            return;
        }
        _kernel = kernel;
        profiler.EnterRange(kernel);
        clock.Start();
    }

    /// <summary>It was launched.</summary>
    public void After()
    {
        if (profiler.Recording is not null) return;
        clock.Stop(profiler.Current, _kernel);
        profiler.LeaveRange();
    }

    /// <summary>What is launched and called from now on is recorded as a graph and does not run.</summary>
    public void BeginRecording() => profiler.Recording = new RecordedWork();

    /// <summary>What was recorded.</summary>
    public RecordedWork EndRecording()
    {
        RecordedWork recorded = profiler.Recording!;
        profiler.Recording = null;
        return recorded;
    }

    /// <summary>A replay: one call and one kernel, with all that it does.</summary>
    public void Replay(RecordedWork recorded, Action launch)
    {
        using (profiler.Call("graph replay", $"{recorded.Launches} launches", recorded.Cost))
        {
            Before(Graph);
            launch();
            After();
        }
    }

    /// <summary>Takes in what has run, without waiting.</summary>
    public void Collect() => clock.Collect();

    /// <summary>Ends the clock.</summary>
    public void Dispose() => clock.Dispose();
}

/// <summary>Times launches on a device's stream and reports them to a <see cref="Profiler"/>.</summary>
interface ILaunchClock : IDisposable
{
    /// <summary>A launch follows.</summary>
    void Start();

    /// <summary>It was launched, for that call.</summary>
    void Stop(FamilyCall call, string kernel);

    /// <summary>Reports the launches that have ended since the last time, without waiting.</summary>
    void Collect();
}
