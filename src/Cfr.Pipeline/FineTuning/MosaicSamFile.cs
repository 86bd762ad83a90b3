using System.Globalization;
using Cfr.Models;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.FineTuning;

/// <summary>Where the frozen part of a fine-tuned SAM comes from.</summary>
/// <param name="Weights">The checkpoint; null for one of random weights, which is then saved whole.</param>
/// <param name="Hash">SHA-256 of that file.</param>
/// <param name="Rank">Rank of the low-rank adaptation.</param>
public sealed record MosaicSamOrigin(string? Weights, string? Hash, int Rank);

/// <summary>
/// A fine-tuned SAM as safetensors: what was trained (LoRA, prompt encoder, mask decoder; about 16 MB with ViT-B), and in the
/// metadata the sizes, the layout of slices, and which checkpoint the frozen encoder stands in, with its hash.
/// </summary>
public static class MosaicSamFile
{
    const string Kind = "cfr-mosaic-sam";
    const string ConcatenationKey = "concatenation", RankKey = "lora_rank", BaseKey = "base", HashKey = "base_sha256";

    /// <summary>A SAM about to be fine-tuned.</summary>
    /// <exception cref="BadDataException">The checkpoint is none of SAM.</exception>
    /// <exception cref="ArgumentException">The sizes make no sense.</exception>
    internal static MosaicSam Begin(Session session, FineTuningConfiguration configuration, int classes)
    {
        SamSource source = configuration.Sam;
        string? hash = source.Hash();
        var sam = new Sam(new Weights(session), source.Configuration(classes));
        if (source.File is { } file) SamFile.LoadInto(sam, file, keepHeads: source.KeepsHeads);
        Lora lora = SamLora.Attach(sam.Weights, configuration.Lora.Rank);
        return new MosaicSam(sam, configuration.Concatenation, new(source.Weights, hash, configuration.Lora.Rank), lora);
    }

    /// <summary>One of the sizes that it will have, of random weights, to see what it takes.</summary>
    internal static MosaicSam Untrained(Session session, FineTuningConfiguration configuration, int classes)
    {
        var sam = new Sam(new Weights(session, seed: 0), configuration.Sam.Configuration(classes));
        sam.Weights.Training = false;
        return new MosaicSam(sam, configuration.Concatenation, new(null, null, configuration.Lora.Rank));
    }

    /// <summary>Whether a file holds a fine-tuned SAM.</summary>
    public static bool Is(string path)
    {
        using WeightFile file = WeightFile.Open(path);
        return file.Metadata.GetValueOrDefault("kind") == Kind;
    }

    /// <summary>Writes what was trained, or everything if there is no checkpoint with the rest.</summary>
    internal static void Save(MosaicSam network, MosaicSamOrigin origin, string path, IReadOnlyDictionary<string, string> notes)
    {
        var metadata = new Dictionary<string, string>(notes)
        {
            ["kind"] = Kind,
            [SamFile.MetadataKey] = network.Sam.Configuration.ToJson(),
            [ConcatenationKey] = ConfigurationFile.Write(network.Concatenation),
            [RankKey] = origin.Rank.ToString(CultureInfo.InvariantCulture),
        };
        if (origin.Weights is { } weights) (metadata[BaseKey], metadata[HashKey]) = (weights, origin.Hash!);
        Saved(network.Weights, origin).Save(path, metadata);
    }

    /// <summary>Builds a fine-tuned SAM, ready for prediction: its updates merged into the encoder.</summary>
    /// <param name="session">Where it is to live.</param>
    /// <param name="path">The file.</param>
    /// <param name="weights">The checkpoint that it was made from, if that is no longer where it was.</param>
    /// <exception cref="BadDataException">The file is no fine-tuned SAM, or its checkpoint is missing or another one.</exception>
    public static MosaicSam Load(Session session, string path, string? weights = null)
    {
        IReadOnlyDictionary<string, string> notes;
        HashSet<string> stored;
        using (WeightFile file = WeightFile.Open(path)) (notes, stored) = (file.Metadata, [.. file.Tensors.Keys]);
        if (notes.GetValueOrDefault("kind") != Kind)
            throw new BadDataException($"{path}: found no fine-tuned SAM; expected a model that cfr finetune wrote");
        try
        {
            int rank = int.TryParse(Note(RankKey), CultureInfo.InvariantCulture, out int number) && number > 0
                ? number
                : throw new BadDataException($"{path}: the metadata has {RankKey} = '{Note(RankKey)}'; expected at least 1");
            var concatenation = ConfigurationFile.Parse<ConcatenationConfiguration>(path, Note(ConcatenationKey));
            concatenation.Check();
            var sam = new Sam(new Weights(session, seed: 0), SamFile.Describe(path));
            MosaicSamOrigin origin = notes.TryGetValue(HashKey, out string? hash)
                ? LoadBase(sam, path, new SamSource(weights ?? Note(BaseKey)), hash, rank)
                : new(null, null, rank);
            Lora lora = SamLora.Attach(sam.Weights, rank);
            string? missing = Saved(sam.Weights, origin).Select(weight => weight.Name).FirstOrDefault(name => !stored.Contains(name));
            if (missing is not null) throw new BadDataException($"{path}: has no '{missing}'; expected all that was trained");
            sam.Weights.LoadPresent(path);
            lora.Merge();
            sam.Weights.Training = false;
            return new MosaicSam(sam, concatenation, origin, lora);
        }
        catch (ArgumentException error)
        {
            throw new BadDataException($"{path}: {error.Message}", error);
        }

        string Note(string key) => notes.GetValueOrDefault(key)
            ?? throw new BadDataException($"{path}: the metadata has no '{key}'");
    }

    /// <summary>What the file holds: all, if no checkpoint has the rest.</summary>
    static IEnumerable<Weight> Saved(Weights weights, MosaicSamOrigin origin) =>
        origin.Weights is null ? weights.All : SamLora.Changed(weights);

    static MosaicSamOrigin LoadBase(Sam sam, string path, SamSource source, string hash, int rank)
    {
        if (!File.Exists(source.File))
            throw new BadDataException(
                $"{path}: was fine-tuned from {source.File}, which is not there; say where it is (--sam)");
        string? found = source.Hash();
        if (found != hash)
            throw new BadDataException(
                $"{source.File}: its SHA-256 is {found}; {path} was fine-tuned from one with {hash}");
        SamFile.LoadInto(sam, source.File);
        return new MosaicSamOrigin(source.Weights, hash, rank);
    }
}
