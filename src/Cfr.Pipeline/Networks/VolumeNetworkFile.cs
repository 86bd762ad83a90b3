using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Networks;

/// <summary>Files of all that segments volumes: 3D networks, and SAM fine-tuned on mosaics.</summary>
public static class VolumeNetworkFile
{
    /// <summary>Builds the network of a file, ready for prediction.</summary>
    /// <param name="session">Where it is to live.</param>
    /// <param name="path">The file.</param>
    /// <param name="sam">For a fine-tuned SAM: its checkpoint, if that is no longer where it was.</param>
    /// <exception cref="BadDataException">The file is of no known network.</exception>
    /// <exception cref="ArgumentException">A checkpoint of SAM for a network that has none.</exception>
    public static IVolumeNetwork Load(Session session, string path, string? sam = null)
    {
        if (MosaicSamFile.Is(path)) return MosaicSamFile.Load(session, path, sam);
        return sam is null
            ? new VolumeNetwork(NetworkFile.Load(session, path))
            : throw new ArgumentException($"--sam {sam}: {path} is no fine-tuned SAM");
    }

    /// <summary>How scans are segmented with it; a fine-tuned SAM by windows half a patch apart, unless it was validated by others.</summary>
    /// <exception cref="BadDataException">The file is of no known network, or of one that takes several channels.</exception>
    public static SegmentationSettings Settings(string path, NetworkNotes notes)
    {
        if (!MosaicSamFile.Is(path))
        {
            var network = NetworkFile.Describe(path);
            return network.Channels == 1
                ? SegmentationSettings.For(network, notes)
                : throw new BadDataException($"{path}: the network takes {network.Channels} channels; expected 1");
        }
        GridSize patch = notes.Patch ?? throw new BadDataException($"{path}: the metadata has no 'patch'");
        return new(new SlidingWindow(patch, notes.Stride ?? patch.Halved), notes.Normalization ?? Datasets.Normalization.ZScore);
    }

    /// <summary>What each axis of a window must be a multiple of.</summary>
    public static int Multiple(string path) => MosaicSamFile.Is(path) ? 1 : Models.Segmenter.Multiple;
}
