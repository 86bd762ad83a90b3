using Cfr.Tensors;

namespace Cfr.Pipeline.Networks;

/// <summary>What turns patches of volumes into logits: a 3D network, or SAM by way of mosaics.</summary>
public interface IVolumeNetwork
{
    /// <summary>Its state.</summary>
    Weights Weights { get; }

    /// <summary>What it is, in a word: <c>VNet</c>, <c>SAM ViT-B</c>.</summary>
    string Name { get; }

    /// <summary>Classes, the background included.</summary>
    int Classes { get; }

    /// <summary>Logits of patches, in the mode that <see cref="Tensors.Weights.Training"/> says.</summary>
    /// <param name="patches"><c>[N, D, H, W, 1]</c>.</param>
    /// <returns><c>[N, D, H, W, K]</c>; with K = 1 the logit of the foreground alone.</returns>
    Tensor Logits(Tensor patches);

    /// <summary>Writes a file that it can be built from again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="notes">More for its metadata.</param>
    void Save(string path, IReadOnlyDictionary<string, string> notes);
}
