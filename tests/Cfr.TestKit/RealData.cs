namespace Cfr.TestKit;

/// <summary>Real scans, which are not part of the repository: the folder that CFR_DATA names.</summary>
public static class RealData
{
    /// <summary>Path of a file or folder in it, such as <c>la</c>; null if it is not there.</summary>
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("CFR_DATA") is not { Length: > 0 } folder) return null;
        string path = Path.Combine(folder, name);
        return Path.Exists(path) ? path : null;
    }
}
