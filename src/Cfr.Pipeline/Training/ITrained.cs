using Cfr.Tensors;

namespace Cfr.Pipeline.Training;

/// <summary>What a checkpoint holds of a run, beside its place in the schedule and in the random stream.</summary>
public interface ITrained
{
    /// <summary>All that training changes, by the name of the network that it belongs to.</summary>
    IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <summary>Changes whatever is trained.</summary>
    Optimizer Optimizer { get; }
}
