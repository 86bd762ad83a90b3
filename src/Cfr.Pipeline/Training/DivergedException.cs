namespace Cfr.Pipeline.Training;

/// <summary>The loss or a weight is no number any more. The last checkpoint is as it was.</summary>
/// <param name="what">What is none, since when.</param>
public sealed class DivergedException(string what)
    : Exception($"{what}; the run stops, its last checkpoint is kept. A lower learning rate may help");
