using System.Text.RegularExpressions;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>Downloaded files, wherever below a folder they were unpacked.</summary>
static class RawFiles
{
    /// <summary>Files whose path matches, by the pattern's group <c>case</c>.</summary>
    /// <exception cref="BadDataException">Two files for one case.</exception>
    public static SortedDictionary<string, string> ByCase(string folder, Regex pattern)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            Match match = pattern.Match(Path.GetRelativePath(folder, path).Replace('\\', '/'));
            if (match.Success && !files.TryAdd(match.Groups["case"].Value, path))
                throw new BadDataException(
                    $"{path}: a second file for case {match.Groups["case"].Value}, beside {files[match.Groups["case"].Value]}");
        }
        return files;
    }

    /// <summary>A case for each label, with its image.</summary>
    /// <exception cref="BadDataException">No labels at all, or one without an image.</exception>
    public static IReadOnlyList<Case> Pair(
        string folder, IReadOnlyDictionary<string, string> images, IReadOnlyDictionary<string, string> labels, string expected)
    {
        if (labels.Count == 0) throw new BadDataException($"{folder}: expected {expected} in it or below");
        return [.. labels.Select(label => images.TryGetValue(label.Key, out string? image)
            ? new Case(label.Key, image, label.Value)
            : throw new BadDataException($"{label.Value}: no image for case {label.Key}; expected {expected}"))];
    }

    /// <summary>Image and label of a case, whole numbers or not, on the same grid.</summary>
    /// <exception cref="BadDataException">One is damaged, or they do not fit each other.</exception>
    public static (Volume Image, LabelMap Label) Read(Case raw)
    {
        Volume image = VolumeFile.Read(raw.ImagePath);
        CaseReader.CheckNumbers(raw.ImagePath, image);
        LabelMap label = VolumeFile.ReadLabels(raw.LabelPath!);
        CaseReader.CheckPlace(raw, image.Geometry, label.Geometry);
        return (image, new LabelMap(image.Geometry, label.Voxels));
    }
}
