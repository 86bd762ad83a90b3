using System.Text.Json.Serialization;
using Cfr.Models;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Networks;

namespace Cfr.Pipeline.FineTuning;

/// <summary>The SAM that fine-tuning starts from: a file, or sizes alone for one of random weights.</summary>
/// <param name="Weights">
/// A checkpoint (<c>sam_vit_b_01ec64.pth</c>, safetensors), from the working folder; <see cref="SmallSam.Name"/> for the small
/// model that comes with the program.
/// </param>
/// <param name="Model">Sizes, if there is no file; each has the default of ViT-B.</param>
/// <param name="ImageSize">Height and width of a canvas in pixels; default: those of the checkpoint.</param>
public sealed record SamSource(string? Weights = null, SamConfiguration? Model = null, int? ImageSize = null)
{
    /// <summary>The checkpoint's file; null for random weights.</summary>
    [JsonIgnore]
    public string? File => Weights is { } weights ? SmallSam.FileOf(weights) : null;

    /// <summary>SHA-256 of the checkpoint; null for random weights, and where there is no such file.</summary>
    /// <exception cref="BadDataException">The file is another one than its published name says.</exception>
    public string? Hash()
    {
        if (File is not { } file || !System.IO.File.Exists(file)) return null;
        string hash = Fingerprint.OfFile(file);
        SamChecksum.Compare(file, hash);
        return hash;
    }

    /// <exception cref="ArgumentException">Neither a file nor sizes, or both.</exception>
    public void Check()
    {
        if (Weights is null == Model is null)
            throw new ArgumentException(
                "sam: expected either \"weights\", a checkpoint, or \"model\", the sizes of one with random weights");
        Model?.Check();
    }

    /// <summary>The same with the path of the checkpoint taken from a folder.</summary>
    public SamSource From(string folder) =>
        Weights is null or SmallSam.Name ? this : this with { Weights = Path.GetFullPath(Weights, folder) };

    /// <summary>The sizes of the model for so many classes. Those of Meta's checkpoints are known without the file.</summary>
    /// <exception cref="BadDataException">The file is no checkpoint of SAM.</exception>
    public SamConfiguration Configuration(int classes)
    {
        SamConfiguration stored = Model ?? (System.IO.File.Exists(File) ? null : Published(Path.GetFileName(File!))) ?? SamFile.Describe(File!);
        return stored with { ImageSize = ImageSize ?? stored.ImageSize, Masks = classes };
    }

    /// <summary>
    /// Whether SAM's own mask tokens, MLPs and head of qualities are taken over if their number fits: SAMed does so only
    /// where the image size is the checkpoint's, too.
    /// </summary>
    internal bool KeepsHeads => ImageSize is null || ImageSize == SamFile.Describe(File!).ImageSize;

    static SamConfiguration? Published(string name) => name[..Math.Min(name.Length, "sam_vit_b".Length)] switch
    {
        "sam_vit_b" => SamConfiguration.ViTB,
        "sam_vit_l" => SamConfiguration.ViTL,
        "sam_vit_h" => SamConfiguration.ViTH,
        _ => null,
    };
}
