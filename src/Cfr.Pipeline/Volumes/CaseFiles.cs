namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Volume files by the names of their cases: <c>NAME.nii.gz</c> (.nii, .hdr, .nrrd, .nhdr, .h5) in a folder, or
/// <c>NAME/mri_norm2.h5</c>, the layout of the published left-atrium cases.
/// </summary>
public static class CaseFiles
{
    const string PublishedName = "mri_norm2.h5";

    static readonly string[] Extensions = [".nii.gz", ".nii", ".hdr", ".nrrd", ".nhdr", ".h5"];

    /// <summary>The case's name: the file's without its extension, or its folder's.</summary>
    public static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        if (name == PublishedName && Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) is { Length: > 0 } folder)
            return folder;
        string? extension = Extensions.FirstOrDefault(known => name.EndsWith(known, StringComparison.OrdinalIgnoreCase));
        return extension is null ? Path.GetFileNameWithoutExtension(name) : name[..^extension.Length];
    }

    /// <summary>Files and folders of files, each under its case's name, in order.</summary>
    /// <exception cref="BadDataException">
    /// A path does not exist, a folder has no volumes, or two files have the same case's name.
    /// </exception>
    public static IReadOnlyList<(string Name, string Path)> Find(IEnumerable<string> paths)
    {
        var found = new List<(string Name, string Path)>();
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
                found.Add(File.Exists(path) ? (NameOf(path), path) : throw new BadDataException($"{path}: no such file or folder"));
            else if (In(path) is { Length: > 0 } files)
                found.AddRange(files.Select(file => (NameOf(file), file)));
            else
                throw new BadDataException($"{path}: has no volumes; expected {string.Join(", ", Extensions)} or CASE/{PublishedName}");
        }
        if (found.GroupBy(file => file.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new BadDataException($"{string.Join(" and ", twice.Select(file => file.Path).Take(2))}: both are case {twice.Key}");
        return found;
    }

    static string[] In(string folder) =>
    [
        .. Directory.EnumerateFiles(folder).Where(IsVolume)
            .Concat(Directory.EnumerateDirectories(folder).Select(inner => Path.Combine(inner, PublishedName)).Where(File.Exists))
            .Order(StringComparer.Ordinal),
    ];

    static bool IsVolume(string path) =>
        Extensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));
}
