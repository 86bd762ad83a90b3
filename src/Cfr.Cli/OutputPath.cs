namespace Cfr.Cli;

/// <summary>Where a file is to be written: looked at before any work is done for it.</summary>
static class OutputPath
{
    const string Extension = ".png";

    /// <summary>Of a picture.</summary>
    /// <exception cref="ArgumentException">It is no .png file in a folder that is there, or a file that is in use.</exception>
    public static void Check(string option, string path, params string[] others)
    {
        if (!path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"{option} {path}: expected a name that ends in {Extension}");
        string full = Path.GetFullPath(path);
        CheckFolder(option, path);
        if (others.FirstOrDefault(other => Path.GetFullPath(other) == full) is { } same)
            throw new ArgumentException($"{option} {path}: would overwrite {same}");
    }

    /// <exception cref="ArgumentException">It is in no folder that is there.</exception>
    public static void CheckFolder(string option, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder)) throw new ArgumentException($"{option} {path}: there is no folder {folder}");
    }
}
