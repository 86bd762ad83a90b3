using System.Globalization;
using System.Text.RegularExpressions;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Fine-tuning of SAM as SAMed does it (Zhang 2023): LoRA on q and v of every encoder block, the rest of the encoder frozen; the
/// prompt encoder and the mask decoder train.
/// </summary>
public static partial class SamLora
{
    const string Projections = "image_encoder.blocks.*.attn.qkv";

    static readonly LoraPart[] Parts = [new("q", 0, 3), new("v", 2, 3)];

    static readonly string[] Tuned = [$"{Projections}.linear_*", "prompt_encoder.*", "mask_decoder.*"];

    /// <summary>Gives each block of the image encoder a LoRA on q and v and freezes all else of the encoder.</summary>
    /// <param name="sam">A whole SAM, or one without its prompt encoder and decoder.</param>
    /// <param name="rank">SAMed's is 4.</param>
    /// <exception cref="ArgumentException">There is no image encoder, or the rank does not go with its width.</exception>
    public static Lora Attach(Weights sam, int rank = 4)
    {
        Weight[] encoder = [.. sam.Matching("image_encoder.*").Where(weight => weight.IsParameter)];
        Lora lora = Lora.Attach(sam, Projections, Parts, rank);
        foreach (Weight weight in encoder) weight.Tensor.WithGrad(false);
        return lora;
    }

    /// <summary>
    /// What makes a fine-tuned model of a published one: LoRA, prompt encoder and mask decoder, buffers included.
    /// </summary>
    public static IReadOnlyList<Weight> Changed(Weights sam) => [.. Tuned.SelectMany(sam.Matching)];

    /// <summary>
    /// The name here of a tensor in SAMed's files: <c>w_a_003</c> is A of v in block 1, <c>w_b_002</c> B of q there; in a state dict
    /// after its surgery the frozen layer is called <c>qkv.qkv</c>. Other names are the same.
    /// </summary>
    public static string NameOf(string samed)
    {
        Match factor = Factor().Match(samed);
        if (!factor.Success) return samed.Replace(".attn.qkv.qkv.", ".attn.qkv.");
        int number = int.Parse(factor.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
        string part = Parts[number % Parts.Length].Name;
        return $"image_encoder.blocks.{number / Parts.Length}.attn.qkv.linear_{factor.Groups[1].Value}_{part}.weight";
    }

    [GeneratedRegex("^w_([ab])_([0-9]{3})$")]
    private static partial Regex Factor();
}
