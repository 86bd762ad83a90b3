using Cfr.Pipeline.Datasets;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// Label maps <c>CASE.nii.gz</c> on the grids of the scans. They are read as the cases' labels, so whatever is done to an
/// image is done to its pseudo label.
/// </summary>
public sealed class FolderPseudoLabels : IPseudoLabels
{
    readonly string _folder;

    /// <summary>Labels of this folder.</summary>
    /// <exception cref="BadDataException">There is none.</exception>
    public FolderPseudoLabels(string folder)
    {
        if (!Directory.Exists(folder))
            throw new BadDataException($"{folder}: no such folder; expected pseudo labels CASE.nii.gz in it");
        _folder = folder;
    }

    /// <summary>The file of a case's pseudo label.</summary>
    public static string PathOf(string folder, Case of) => Path.Combine(folder, $"{of.Name}.nii.gz");

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases(IReadOnlyList<Case> unlabelled)
    {
        Case[] cases = [.. unlabelled.Select(each => each with { LabelPath = PathOf(_folder, each) })];
        Case[] missing = [.. cases.Where(each => !File.Exists(each.LabelPath))];
        if (missing.Length > 0)
            throw new BadDataException(
                $"{missing[0].LabelPath}: no such file; expected the pseudo label of case {missing[0].Name}"
                + (missing.Length > 1 ? $" ({missing.Length} of {cases.Length} cases have none)" : ""));
        return cases;
    }

    /// <inheritdoc/>
    public Tensor Labels(Tensor patches, Tensor loaded) => loaded;
}
