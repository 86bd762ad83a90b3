using Cfr.Models;
using Cfr.Pipeline.FineTuning;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Networks;

/// <summary>What became of a checkpoint's weights in a model of other sizes.</summary>
/// <param name="Resampled">Tables of positions, brought to the model's grid.</param>
/// <param name="Fresh">Weights that keep their initial values: heads for another number of masks, adaptations.</param>
public sealed record SamLoading(IReadOnlyList<string> Resampled, IReadOnlyList<string> Fresh);

/// <summary>
/// Weight files of SAM: those of Meta, of programs that keep its names (SAMed, MedSAM), of the Transformers library,
/// and our own, which say their sizes in their metadata.
/// </summary>
/// <example><code>
/// SamFile.Verify("sam_vit_b_01ec64.pth");
/// Sam sam = SamFile.Load(session, "sam_vit_b_01ec64.pth");
/// </code></example>
public static class SamFile
{
    /// <summary>The metadata's key for the JSON of a <see cref="SamConfiguration"/>.</summary>
    public const string MetadataKey = "sam";

    const string Encoder = "image_encoder.", Positions = $"{Encoder}pos_embed";

    /// <summary>What is made for a number of masks.</summary>
    static readonly string[] Heads =
        ["mask_decoder.mask_tokens.", "mask_decoder.output_hypernetworks_mlps.", "mask_decoder.iou_prediction_head."];

    /// <summary>Constants that some exports hold beside the weights.</summary>
    static readonly string[] Constants = ["pixel_mean", "pixel_std"];

    /// <summary>Saves a model as safetensors with its sizes.</summary>
    /// <param name="sam">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="notes">More for the metadata.</param>
    public static void Save(Sam sam, string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        var metadata = new Dictionary<string, string>(notes ?? new Dictionary<string, string>())
        {
            [MetadataKey] = sam.Configuration.ToJson(),
        };
        sam.Weights.Save(path, metadata);
    }

    /// <summary>The sizes of a file's model.</summary>
    /// <exception cref="BadDataException">It is no SAM.</exception>
    /// <exception cref="WeightFileException">The file is damaged, or no file of weights.</exception>
    public static SamConfiguration Describe(string path)
    {
        using WeightFile file = WeightFile.Open(SmallSam.FileOf(path));
        return Describe(file, ByOriginalName(file));
    }

    /// <summary>Builds the model of a file and loads it, ready for prediction.</summary>
    /// <param name="session">Where it is to live.</param>
    /// <param name="path">The file.</param>
    /// <param name="configuration">Sizes other than the file's: of the image, of the masks. See <see
    /// cref="LoadInto"/>.</param>
    /// <inheritdoc cref="LoadInto"/>
    public static Sam Load(Session session, string path, SamConfiguration? configuration = null)
    {
        var sam = new Sam(new Weights(session, seed: 0), configuration ?? Describe(path));
        LoadInto(sam, path);
        sam.Weights.Training = false;
        return sam;
    }

    /// <summary>
    /// Loads a file into a model, which may differ from it in two things. For another image size the table of absolute
    /// positions is resampled bilinearly, the relative ones of global blocks linearly; those of windows stay. For
    /// another number of masks their tokens, MLPs and the head of qualities keep their fresh values, as does an
    /// adaptation that the file has nothing for. All else must be in the file, in the model's shape.
    /// </summary>
    /// <exception cref="BadDataException">
    /// The file is no SAM, or one of other sizes; the model is as it was.
    /// </exception>
    /// <exception cref="WeightFileException">The file is damaged, or no file of weights.</exception>
    public static SamLoading LoadInto(Sam sam, string path)
    {
        using WeightFile file = WeightFile.Open(SmallSam.FileOf(path));
        Dictionary<string, StoredTensor> stored = ByOriginalName(file);
        SamConfiguration found = Describe(file, stored), expected = sam.Configuration;
        if ((found.Width, found.Depth, found.Heads) != (expected.Width, expected.Depth, expected.Heads))
            throw new BadDataException(
                $"{path}: a SAM {SamRecognition.Describe(found)}; expected {SamRecognition.Describe(expected)}");

        bool newHeads = found.Masks != expected.Masks;
        List<(Weight Weight, StoredTensor Tensor)> same = [], resampled = [];
        List<string> fresh = [], misfits = [];
        foreach (Weight weight in sam.Weights.All)
        {
            bool isThere = stored.Remove(weight.Name, out StoredTensor? tensor);
            if (newHeads && IsHead(weight.Name) || !isThere && IsAdaptation(weight.Name)) fresh.Add(weight.Name);
            else if (!isThere) misfits.Add($"{weight.Name} is missing");
            else if (Sizes(tensor!) == weight.FileShape) same.Add((weight, tensor!));
            else if (IsResampled(weight, tensor!, expected)) resampled.Add((weight, tensor!));
            else misfits.Add($"{weight.Name} is {Text(tensor!)}, expected {weight.FileShape}");
        }
        misfits.AddRange(stored.Keys.Where(name => !Constants.Contains(name) && !(newHeads && IsHead(name)))
            .Select(name => $"{name} is not expected"));
        if (misfits.Count > 0)
            throw new BadDataException($"{path}: does not fit the model: {string.Join("; ", misfits.Take(3))}"
                + (misfits.Count > 3 ? $"; and {misfits.Count - 3} more" : ""));

        foreach (var (weight, tensor) in same) weight.SetAsInFile(Values(tensor));
        foreach (var (weight, tensor) in resampled) Resample(weight.Tensor, tensor);
        return new SamLoading([.. resampled.Select(pair => pair.Weight.Name)], fresh);
    }

    /// <inheritdoc cref="SamChecksum.Verify"/>
    public static void Verify(string path) => SamChecksum.Verify(path);

    static SamConfiguration Describe(WeightFile file, Dictionary<string, StoredTensor> stored)
    {
        try
        {
            if (file.Metadata.TryGetValue(MetadataKey, out string? json)) return SamConfigurationJson.Parse(json);
            var shapes = stored.Where(entry => entry.Value.Shape.Length <= 5 && entry.Value.Count <= int.MaxValue)
                .ToDictionary(entry => entry.Key, entry => Sizes(entry.Value));
            return SamRecognition.Recognize(shapes) ?? throw new BadDataException(
                $"{file.Path}: its {file.Tensors.Count} tensors ({string.Join(", ", file.Tensors.Keys.Take(3))}, ..) are of no SAM; "
                + "expected image_encoder.pos_embed, .., mask_decoder.mask_tokens.weight");
        }
        catch (ArgumentException error)
        {
            throw new BadDataException($"{file.Path}: {error.Message}", error);
        }
    }

    static Dictionary<string, StoredTensor> ByOriginalName(WeightFile file) => SamNames.Original([.. file.Tensors.Keys])
        .ToDictionary(entry => entry.Key, entry => file.Tensors[entry.Value]);

    static bool IsHead(string name) => Heads.Any(head => name.StartsWith(head, StringComparison.Ordinal));

    static bool IsAdaptation(string name) => name.Contains(".linear_a_") || name.Contains(".linear_b_");

    /// <summary>
    /// Whether it is a table of positions that depends on the image size, and differs in nothing else.
    /// </summary>
    static bool IsResampled(Weight weight, StoredTensor tensor, SamConfiguration configuration)
    {
        ReadOnlySpan<long> shape = tensor.Shape;
        if (weight.Name == Positions) return shape.Length == 4 && shape[0] == 1 && shape[3] == configuration.Width;
        return shape.Length == 2 && shape[1] == weight.Tensor.Size(1) && configuration.GlobalBlocks
            .Any(block => weight.Name.StartsWith($"{Encoder}blocks.{block}.attn.rel_pos_", StringComparison.Ordinal));
    }

    /// <summary>
    /// A table of positions for another grid: [1, g, g, E] bilinearly on both axes, [rows, d] linearly along the rows,
    /// as an image of one column.
    /// </summary>
    internal static Tensor Resampled(Tensor table, Shape shape) => table.Rank == 4
        ? table.Resize([shape[1], shape[2]])
        : table.Reshape(1, table.Size(0), 1, table.Size(1)).Resize([shape[0], 1]).Reshape(shape);

    static void Resample(Tensor target, StoredTensor tensor)
    {
        Session session = target.Session;
        using Scope scope = session.Scope();
        using Session.GradMode mode = session.NoGrad();
        target.Set(Resampled(session.Tensor(Values(tensor), Sizes(tensor)), target.Shape).ToArray());
    }

    static float[] Values(StoredTensor tensor)
    {
        float[] values = new float[tensor.Count];
        tensor.CopyTo(values.AsSpan());
        return values;
    }

    static Shape Sizes(StoredTensor tensor) => Shape.Of([.. tensor.Shape.ToArray().Select(size => checked((int)size))]);

    static string Text(StoredTensor tensor) => $"[{string.Join(", ", tensor.Shape.ToArray())}]";
}
