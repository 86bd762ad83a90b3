using System.Text;
using System.Text.RegularExpressions;

namespace Cfr.Tensors.Files;

/// <summary>
/// Writes a file whole or not at all: into a new file beside it, flushed to the disk, then renamed. Whenever the
/// machine stops, the old file or the new one is there, complete.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>Whether a file is what a process left that was killed while it wrote.</summary>
    public static bool IsLeftover(string path) => Unfinished().IsMatch(path);

    /// <summary>Deletes what killed processes left in a folder and below; nobody may be writing there.</summary>
    public static void DeleteLeftovers(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*.tmp", SearchOption.AllDirectories).Where(IsLeftover).ToList())
            File.Delete(path);
    }

    /// <summary>Whether there is anything in a folder but what killed processes left.</summary>
    public static bool HoldsAnything(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(entry => !IsLeftover(entry));

    /// <summary>Replaces or creates a file of text, in UTF-8.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Replaces or creates <paramref name="path"/> with what <paramref name="write"/> writes.</summary>
    /// <remarks>If <paramref name="write"/> throws, the old file stays as it was and no other file is left.</remarks>
    public static void Write(string path, Action<FileStream> write)
    {
        string target = Path.GetFullPath(path);
        string unfinished = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(unfinished, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(unfinished, target, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    [GeneratedRegex(@"\.[0-9a-f]{32}\.tmp$")]
    private static partial Regex Unfinished();
}
