namespace Cfr.Kernels.Profiling;

/// <summary>A graph whose replays are told to a profiler, with all that was recorded.</summary>
sealed class ProfiledGraph(LaunchGraph graph, RecordedWork recorded, LaunchProfiler launches) : LaunchGraph
{
    public override void Replay() => launches.Replay(recorded, graph.Replay);

    public override void Dispose() => graph.Dispose();
}
