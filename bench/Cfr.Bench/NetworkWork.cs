using System.Diagnostics;
using Cfr.Kernels;

namespace Cfr.Bench;

/// <summary>A whole network, once: its step, and the wait for it.</summary>
sealed class NetworkWork(Device device, Action step) : IWork
{
    /// <summary>Names in a line <c>CASE | PHASE</c>.</summary>
    public const string VNet = "V-Net: 112x112x80, batch 1", SamEncoder = "SAM ViT-B encoder: 1024x1024, batch 1";

    /// <summary>Whether the phase trains.</summary>
    /// <exception cref="ArgumentException">The phase is neither <c>forward</c> nor the network's training step.</exception>
    public static bool Trains(string name, string phase)
    {
        string trainingStep = name == SamEncoder ? "LoRA training step" : "training step";
        return phase == trainingStep || (phase == "forward"
            ? false
            : throw new ArgumentException($"'{name}' has no phase '{phase}'; expected 'forward' or '{trainingStep}'"));
    }

    public double Seconds()
    {
        var clock = Stopwatch.StartNew();
        step();
        device.Synchronize();
        return clock.Elapsed.TotalSeconds;
    }

    public long PeakBytes() => ProcessMemory.Peak();
}
