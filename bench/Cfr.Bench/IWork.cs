using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Bench;

/// <summary>Something that can be timed again and again.</summary>
interface IWork
{
    /// <summary>Seconds that it takes, once.</summary>
    double Seconds();

    /// <summary>Bytes that the last run needed: of an op beyond its inputs, of a network the whole process.</summary>
    long PeakBytes();

    /// <summary>The work of a line <c>CASE | PHASE</c>.</summary>
    static IWork Parse(Device device, string line)
    {
        string[] parts = line.Split(" | ");
        return parts[0] switch
        {
            NetworkWork.VNet => new NetworkWork(
                device, new VNetStep(device, 1, NetworkWork.Trains(parts[0], parts[1])).Run),
            NetworkWork.SamEncoder => new NetworkWork(
                device, new SamEncoderStep(device, 1, NetworkWork.Trains(parts[0], parts[1])).Run),
            SlidingWindowWork.Name => new SlidingWindowWork(device),
            _ => new OpWork(device, OpCases.Named(parts[0]), parts[1]),
        };
    }
}
