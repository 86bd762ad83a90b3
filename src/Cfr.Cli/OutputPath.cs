namespace Cfr.Cli;

/// <summary>Where a picture is to be written: looked at before any work is done for it.</summary>
static class OutputPath
{
    const string Extension = ".png";

    /// <exception cref="ArgumentException">It is no .png file in a folder that is there, or a file that is in use.</exception>
    public static void Check(string option, string path, params string[] others)
    {
        if (!path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"{option} {path}: expected a name that ends in {Extension}");
        string full = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new ArgumentException($"{option} {path}: there is no folder {Path.GetDirectoryName(full)}");
        if (others.FirstOrDefault(other => Path.GetFullPath(other) == full) is { } same)
            throw new ArgumentException($"{option} {path}: would overwrite {same}");
    }
}
