namespace Cfr.TestKit;

/// <summary>A folder of its own for one test, removed afterwards.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string FullName { get; } = Directory.CreateTempSubdirectory("cfr-test-").FullName;

    /// <summary>Path of a file in it.</summary>
    public string File(string name) => Path.Combine(FullName, name);

    /// <summary>Path of a file in it, which is written.</summary>
    public string File(string name, ReadOnlySpan<byte> content)
    {
        System.IO.File.WriteAllBytes(File(name), content);
        return File(name);
    }

    /// <summary>Names of what is in it.</summary>
    public string[] FileNames =>
        [.. Directory.GetFileSystemEntries(FullName).Select(path => Path.GetFileName(path)).Order()];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
