using Cfr.Models;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Networks;

/// <summary>
/// Weight files that say which network they are of: by their metadata, or, for checkpoints of other programs, by their
/// names and shapes.
/// </summary>
public static class NetworkFile
{
    /// <summary>The metadata's key for the JSON of a <see cref="NetworkConfiguration"/>.</summary>
    public const string MetadataKey = "network";

    /// <summary>Saves a network as safetensors with its description.</summary>
    /// <param name="network">The network.</param>
    /// <param name="path">The file.</param>
    /// <param name="notes">More for the metadata.</param>
    public static void Save(Segmenter network, string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        var metadata = new Dictionary<string, string>(notes ?? new Dictionary<string, string>())
        {
            [MetadataKey] = network.Configuration.ToJson(),
        };
        network.Weights.Save(path, metadata);
    }

    /// <summary>Builds the network of a file (safetensors, .pth) and loads it, ready for prediction.</summary>
    /// <exception cref="BadDataException">The file is of no known network.</exception>
    /// <exception cref="WeightFileException">The file is damaged.</exception>
    /// <exception cref="WeightMismatchException">The file does not fit its own description.</exception>
    public static Segmenter Load(Session session, string path)
    {
        Segmenter network = Describe(path).Create(new Weights(session, seed: 0));
        network.Weights.Load(path);
        network.Weights.Training = false;
        return network;
    }

    /// <summary>What network a file is of.</summary>
    /// <exception cref="BadDataException">None that is known.</exception>
    public static NetworkConfiguration Describe(string path)
    {
        using WeightFile file = WeightFile.Open(path);
        try
        {
            NetworkConfiguration network = file.Metadata.TryGetValue(MetadataKey, out string? json)
                ? NetworkConfiguration.FromJson(json)
                : NetworkRecognition.Recognize(Shapes(file)) ?? throw Unknown(file);
            network.Check();
            return network;
        }
        catch (ArgumentException error)
        {
            throw new BadDataException($"{path}: {error.Message}", error);
        }
    }

    static Dictionary<string, Shape> Shapes(WeightFile file) => file.Tensors
        .Where(entry => entry.Value.Shape.Length <= 5 && entry.Value.Count <= int.MaxValue)
        .ToDictionary(entry => entry.Key, entry => Shape.Of([.. entry.Value.Shape.ToArray().Select(size => (int)size)]));

    static BadDataException Unknown(WeightFile file) => new(
        $"{file.Path}: its {file.Tensors.Count} tensors ({string.Join(", ", file.Tensors.Keys.Take(3))}, ..) are of no "
        + "network known here; expected the names of a V-Net (block_one.conv.0.weight, .., out_conv.weight) or of a "
        + "3D U-Net (conv1.conv1.0.weight, .., final.weight)");
}
