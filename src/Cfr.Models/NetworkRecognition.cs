using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Tells from a checkpoint's names and shapes which network it belongs to.</summary>
public static class NetworkRecognition
{
    /// <summary>The description of the network, or null if the names are of none that is known.</summary>
    /// <param name="weights">Shapes by name, as they stand in the file.</param>
    public static NetworkConfiguration? Recognize(IReadOnlyDictionary<string, Shape> weights) =>
        VNet(weights) ?? UNet3d(weights);

    static NetworkConfiguration? VNet(IReadOnlyDictionary<string, Shape> weights)
    {
        if (Kernel(weights, "block_one.conv.0.weight") is not { } first) return null;
        if (Kernel(weights, "out_conv.weight") is not { } head) return null;
        bool isSdf = weights.ContainsKey("out_conv2.weight");
        Architecture architecture = isSdf ? Architecture.SdfVNet
            : weights.ContainsKey("out_conv_dp1.weight") ? Architecture.PyramidVNet
            : Architecture.VNet;
        return new NetworkConfiguration(architecture, first[0], isSdf ? 2 : head[0], first[1], NormOfVNet(weights));
    }

    /// <summary>Layers without a norm follow each other as 0, 2; with one as 0, 3, and it may have no weights.</summary>
    static Normalization NormOfVNet(IReadOnlyDictionary<string, Shape> weights) =>
        weights.ContainsKey("block_one.conv.1.running_mean") ? Normalization.Batch
        : weights.ContainsKey("block_one.conv.1.weight") ? Normalization.Group
        : weights.ContainsKey("block_two.conv.3.weight") ? Normalization.Instance
        : Normalization.None;

    static NetworkConfiguration? UNet3d(IReadOnlyDictionary<string, Shape> weights)
    {
        if (Kernel(weights, "conv1.conv1.0.weight") is not { } first) return null;
        if (Kernel(weights, "final.weight") is { } head)
            return new NetworkConfiguration(Architecture.UNet3d, first[0], head[0], first[1], Normalization.Instance);
        return Kernel(weights, "dsv1.weight") is { } main
            ? new NetworkConfiguration(
                Architecture.DeepSupervisedUNet3d, first[0], main[0], first[1], Normalization.Instance)
            : null;
    }

    static Shape? Kernel(IReadOnlyDictionary<string, Shape> weights, string name) =>
        weights.TryGetValue(name, out Shape shape) && shape.Rank == 5 ? shape : null;
}
