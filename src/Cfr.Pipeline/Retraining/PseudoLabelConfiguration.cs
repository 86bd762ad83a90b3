using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>Where labels of unlabelled cases come from.</summary>
public enum PseudoLabelSource
{
    /// <summary>From a trained network that sees the very patches that the student sees, as in CFR's code.</summary>
    Network,
    /// <summary>From label maps <c>CASE.nii.gz</c> of whole volumes, cut and flipped with the images (CFR, Eq. 3).</summary>
    Folder,
}

/// <summary>The pseudo-label loss L_pl, by which any semi-supervised method becomes CFR's.</summary>
/// <param name="From">Where labels come from.</param>
/// <param name="Path">
/// The network's file or the folder, in a file from the folder of the configuration; null where the program that trains
/// brings the labels itself.
/// </param>
/// <param name="Weight">Of L_pl: constant, outside the consistency's ramp.</param>
/// <param name="Sam">For a fine-tuned SAM: its checkpoint, if that is no longer where it was.</param>
public sealed record PseudoLabelConfiguration(
    PseudoLabelSource From, string? Path = null, double Weight = 1, string? Sam = null)
{
    /// <summary>Opens what is named.</summary>
    /// <param name="session">Where a network will live.</param>
    /// <param name="classes">Classes that the labels must be of.</param>
    /// <exception cref="ArgumentException">Nothing is named, or a network has other classes.</exception>
    /// <exception cref="BadDataException">The file is of no network, or there is no such folder.</exception>
    public IPseudoLabels Open(Session session, int classes)
    {
        if (Path is null)
            throw new ArgumentException("pseudoLabels.path is missing; expected "
                + (From == PseudoLabelSource.Network ? "the file of a network" : "a folder of label maps"));
        return From == PseudoLabelSource.Folder
            ? new FolderPseudoLabels(Path)
            : new NetworkPseudoLabels(VolumeNetworkFile.Load(session, Path, Sam), Path, classes);
    }

    internal void Check()
    {
        if (!(Weight >= 0)) throw new ArgumentException($"pseudoLabels.weight is {Weight}; expected at least 0");
    }
}
