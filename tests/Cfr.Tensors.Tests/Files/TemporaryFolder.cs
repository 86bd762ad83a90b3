using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

/// <summary>A folder of its own for one test, removed afterwards.</summary>
sealed class TemporaryFolder : IDisposable
{
    readonly string _path = Directory.CreateTempSubdirectory("cfr-files-").FullName;

    public string[] FileNames =>
        [.. Directory.GetFileSystemEntries(_path).Select(path => Path.GetFileName(path)).Order()];

    public string File(string name) => Path.Combine(_path, name);

    public string File(string name, ReadOnlySpan<byte> content)
    {
        System.IO.File.WriteAllBytes(File(name), content);
        return File(name);
    }

    /// <summary>The message with which a file of this content is refused.</summary>
    public string Refusal(ReadOnlySpan<byte> content) => RefusalOf(File("refused", content));

    public static string RefusalOf(string path)
    {
        var refusal = Assert.Throws<WeightFileException>(() => WeightFile.Open(path).Dispose());
        Assert.StartsWith(path + ": ", refusal.Message);
        Assert.DoesNotContain('\n', refusal.Message);
        return refusal.Message[(path.Length + 2)..];
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
