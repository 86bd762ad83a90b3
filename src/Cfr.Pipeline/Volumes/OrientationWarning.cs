namespace Cfr.Pipeline.Volumes;

/// <summary>
/// A network knows the axis order of its training scans alone. On a scan that is stored otherwise it does badly without
/// a word, so the word is said here.
/// </summary>
public static class OrientationWarning
{
    /// <summary>One line for the user, or null where there is nothing to say.</summary>
    /// <param name="path">The scan, as the user named it.</param>
    /// <param name="scan">Its geometry.</param>
    /// <param name="training">Orientations of the training scans; empty if they said nothing of it.</param>
    public static string? For(string path, Geometry scan, IReadOnlyCollection<Orientation> training)
    {
        if (training.Count == 0 || (scan.IsOriented && training.Contains(scan.Orientation))) return null;
        string found = scan.IsOriented
            ? $"its axes point {scan.Orientation}"
            : "the file does not say where its axes point";
        return $"{path}: {found}, the network was trained on {string.Join(", ", training.Order(ByCode))}:"
            + " expect bad results unless it is reoriented";
    }

    static readonly Comparer<Orientation> ByCode =
        Comparer<Orientation>.Create((first, second) => string.CompareOrdinal(first.Code, second.Code));
}
