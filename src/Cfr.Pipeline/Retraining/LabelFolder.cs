using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// A folder of label maps that one network gives in one way, perhaps in several runs: it remembers which, so that labels of
/// different origin are never mixed, and files of others never taken for its own.
/// </summary>
public static class LabelFolder
{
    const string Record = "origin.txt";

    /// <summary>Begins a folder, or goes on with it.</summary>
    /// <param name="path">A new or empty folder, or one of the same origin.</param>
    /// <param name="origin">What labels come from, in a line.</param>
    /// <exception cref="ArgumentException">There is something else in it.</exception>
    public static void Begin(string path, string origin)
    {
        string record = Path.Combine(path, Record);
        if (File.Exists(record) && File.ReadAllText(record).Trim() == origin) return;
        if (File.Exists(record))
            throw new ArgumentException($"{path} holds labels of another model, of other windows or of other scans; take a new folder");
        if (File.Exists(path) || AtomicFile.HoldsAnything(path))
            throw new ArgumentException($"{path} is there and holds no labels of this model; take a new folder");
        Directory.CreateDirectory(path);
        AtomicFile.WriteText(record, origin + "\n");
    }
}
