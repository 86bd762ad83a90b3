namespace Cfr.Pipeline.Training;

/// <summary>The loss is no number any more. The last checkpoint is as it was.</summary>
public sealed class DivergedException(string message) : Exception(message);
