namespace Cfr.Pipeline.Datasets;

/// <summary>Published lists of names, kept in the program.</summary>
static class Splits
{
    /// <summary>The names of a list, in its order.</summary>
    public static IReadOnlyList<string> Read(string name)
    {
        using Stream stream = typeof(Splits).Assembly.GetManifestResourceStream($"splits/{name}.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
