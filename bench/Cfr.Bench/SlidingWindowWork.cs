using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Bench;

/// <summary>
/// A left-atrium scan segmented by the V-Net in windows of 112x112x80: from normalised intensities to labels. The stride is
/// so long that there are 8 windows; the published one makes 54 of the same work.
/// </summary>
sealed class SlidingWindowWork : IWork
{
    /// <summary>Its name in a line <c>CASE | PHASE</c>.</summary>
    public const string Name = "sliding window: 190x142x88, 8 windows of 112x112x80";

    readonly SlidingWindow _windows = new(new GridSize(112, 112, 80), new GridSize(78, 30, 8));
    readonly Session _session;
    readonly Segmenter _network;
    readonly Volume _scan;

    public SlidingWindowWork(Device device)
    {
        _session = new Session(device, seed: 1);
        var weights = new Weights(_session);
        _network = new NetworkConfiguration(Architecture.VNet).Create(weights);
        weights.Training = false;
        var size = new GridSize(190, 142, 88);
        var random = new Random(1);
        _scan = new Volume(Geometry.Unit(size), [.. Enumerable.Range(0, (int)size.Voxels).Select(_ => random.NextSingle() * 2 - 1)]);
    }

    public double Seconds()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        _windows.Predict(_session, x => _network.Forward(x), _scan);
        return clock.Elapsed.TotalSeconds;
    }

    public long PeakBytes() => ProcessMemory.Peak();
}
