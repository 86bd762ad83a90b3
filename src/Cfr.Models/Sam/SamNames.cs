using System.Text.RegularExpressions;

namespace Cfr.Models;

/// <summary>
/// Names of SAM's weights in checkpoints of the Transformers library's SamModel, which holds the same tensors under
/// other names.
/// </summary>
public static class SamNames
{
    const string Encoder = "vision_encoder.";

    /// <summary>
    /// In the order in which they apply; each name meets at most one that begins with its part of the model.
    /// </summary>
    static readonly (Regex Theirs, string Ours)[] Renamings =
    [
        (new(@"^vision_encoder\.patch_embed\.projection\."), "image_encoder.patch_embed.proj."),
        (new(@"^vision_encoder\.layers\.(\d+)\.layer_norm(\d)\."), "image_encoder.blocks.$1.norm$2."),
        (new(@"^vision_encoder\.layers\."), "image_encoder.blocks."),
        (new(@"^vision_encoder\.neck\.conv1\."), "image_encoder.neck.0."),
        (new(@"^vision_encoder\.neck\.layer_norm1\."), "image_encoder.neck.1."),
        (new(@"^vision_encoder\.neck\.conv2\."), "image_encoder.neck.2."),
        (new(@"^vision_encoder\.neck\.layer_norm2\."), "image_encoder.neck.3."),
        (new(@"^vision_encoder\."), "image_encoder."),
        (new(@"^(prompt_encoder\.shared_embedding|shared_image_embedding)\.positional_embedding$"),
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
        (new(@"^prompt_encoder\.point_embed\."), "prompt_encoder.point_embeddings."),
        (new(@"^prompt_encoder\.mask_embed\.conv1\."), "prompt_encoder.mask_downscaling.0."),
        (new(@"^prompt_encoder\.mask_embed\.layer_norm1\."), "prompt_encoder.mask_downscaling.1."),
        (new(@"^prompt_encoder\.mask_embed\.conv2\."), "prompt_encoder.mask_downscaling.3."),
        (new(@"^prompt_encoder\.mask_embed\.layer_norm2\."), "prompt_encoder.mask_downscaling.4."),
        (new(@"^prompt_encoder\.mask_embed\.conv3\."), "prompt_encoder.mask_downscaling.6."),
        (new(@"^mask_decoder\.transformer\.layers\.(\d+)\.layer_norm(\d)\."), "mask_decoder.transformer.layers.$1.norm$2."),
        (new(@"^mask_decoder\.transformer\.layer_norm_final_attn\."), "mask_decoder.transformer.norm_final_attn."),
        (new(@"^mask_decoder\.upscale_conv1\."), "mask_decoder.output_upscaling.0."),
        (new(@"^mask_decoder\.upscale_layer_norm\."), "mask_decoder.output_upscaling.1."),
        (new(@"^mask_decoder\.upscale_conv2\."), "mask_decoder.output_upscaling.3."),
        (new(@"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.layers\.0\."), "$1.layers.1."),
        (new(@"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.proj_in\."), "$1.layers.0."),
        (new(@"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.proj_out\."), "$1.layers.2."),
    ];

    /// <summary>
    /// The original names of a file's tensors, each with the name in the file. Names of the original program come back
    /// as they are. Of two names of one tied tensor the first counts.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Original(IReadOnlyCollection<string> names)
    {
        var original = new Dictionary<string, string>();
        bool areTheirs = names.Any(name => name.StartsWith(Encoder, StringComparison.Ordinal));
        foreach (string name in names) original.TryAdd(areTheirs ? Rename(name) : name, name);
        return original;
    }

    static string Rename(string name)
    {
        foreach (var (theirs, ours) in Renamings)
            if (theirs.IsMatch(name)) return theirs.Replace(name, ours);
        return name;
    }
}
