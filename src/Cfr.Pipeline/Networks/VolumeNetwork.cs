using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Networks;

/// <summary>A network of 3D convolutions.</summary>
public sealed class VolumeNetwork(Segmenter network) : IVolumeNetwork
{
    /// <summary>The network itself.</summary>
    public Segmenter Segmenter => network;

    /// <inheritdoc/>
    public Weights Weights => network.Weights;

    /// <inheritdoc/>
    public string Name => network.GetType().Name;

    /// <inheritdoc/>
    public int Classes => network.Configuration.Classes;

    /// <inheritdoc/>
    public Tensor Logits(Tensor patches) => network.Forward(patches);

    /// <inheritdoc/>
    public void Save(string path, IReadOnlyDictionary<string, string> notes) => NetworkFile.Save(network, path, notes);
}
