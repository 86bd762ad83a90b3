using Cfr.Tensors.Files;

namespace Cfr.Tensors;

/// <summary>A file's tensors do not fit a model. The message lists every name that is wrong.</summary>
public sealed class WeightMismatchException : Exception
{
    internal WeightMismatchException(
        string path, IReadOnlyList<string> missing, IReadOnlyList<string> unexpected, IReadOnlyList<string> misshapen)
        : base(WeightFileException.OneLine($"{path} does not fit the model: {string.Join(
            "; ", [.. List("missing", missing), .. List("unexpected", unexpected), .. List("wrongly shaped", misshapen)])}"))
    {
        Missing = missing;
        Unexpected = unexpected;
        Misshapen = misshapen;
    }

    /// <summary>Names that only the model has.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Names that only the file has.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>Names of another shape, each with both shapes.</summary>
    public IReadOnlyList<string> Misshapen { get; }

    static string[] List(string what, IReadOnlyList<string> names) =>
        names.Count == 0 ? [] : [$"{names.Count} {what} ({string.Join(", ", names)})"];
}
