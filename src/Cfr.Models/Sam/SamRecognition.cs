using System.Text.RegularExpressions;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Tells from a checkpoint's names and shapes which Segment Anything Model it is.</summary>
public static class SamRecognition
{
    const string Encoder = "image_encoder.", Prompt = "prompt_encoder.", Decoder = "mask_decoder.";

    /// <summary>ViT-B, ViT-L or ViT-H with its sizes, or the sizes alone.</summary>
    public static string Describe(SamConfiguration configuration)
    {
        string name = (configuration.Width, configuration.Depth) switch
        {
            (768, 12) => "ViT-B ",
            (1024, 24) => "ViT-L ",
            (1280, 32) => "ViT-H ",
            _ => "",
        };
        return $"{name}(width {configuration.Width}, {configuration.Depth} blocks)";
    }

    /// <summary>The sizes, or null if the names are not those of a SAM.</summary>
    /// <remarks>
    /// The number of heads follows from the width of the tables of relative positions, which is that of a head. Tables
    /// of 2 g - 1 rows, g the grid, are those of global blocks, all others those of windows. Where windows are as large
    /// as the grid both are the same, as is what they compute: all blocks then count as global. The decoder's heads
    /// leave no trace; SAM has 8.
    /// </remarks>
    /// <param name="weights">Shapes by original name, as they stand in the file.</param>
    /// <exception cref="ArgumentException">
    /// The names are those of a SAM, but their shapes contradict each other.
    /// </exception>
    public static SamConfiguration? Recognize(IReadOnlyDictionary<string, Shape> weights)
    {
        if (!weights.TryGetValue($"{Encoder}pos_embed", out Shape positions) || positions.Rank != 4) return null;
        if (!weights.ContainsKey($"{Decoder}mask_tokens.weight")) return null;
        int grid = positions[1], width = positions[3], depth = Blocks(weights, $"{Encoder}blocks");
        int patch = Of($"{Encoder}patch_embed.proj.weight", 4)[2];
        if (positions[2] != grid) throw new ArgumentException($"SAM: pos_embed is {positions}; expected a square grid");
        int[] rows = [.. Enumerable.Range(0, depth).Select(block => Of(Table(block), 2)[0])];
        int headWidth = Of(Table(0), 2)[1], everywhere = 2 * grid - 1;
        int[] windowed = [.. rows.Where(count => count != everywhere).Distinct()];
        if (windowed.Length > 1 || windowed.Any(count => count % 2 == 0 || count > everywhere))
            throw new ArgumentException(
                $"SAM: tables of relative positions have {string.Join(", ", rows.Distinct().Order())} rows; "
                + $"expected {everywhere} for the grid of {grid} tokens in global blocks, and one odd number below it "
                + "in all others");
        var configuration = new SamConfiguration
        {
            ImageSize = grid * patch,
            PatchSize = patch,
            Width = width,
            Depth = depth,
            Heads = headWidth > 0 && width % headWidth == 0
                ? width / headWidth
                : throw new ArgumentException($"SAM: heads of {headWidth} channels do not divide a width of {width}"),
            GlobalBlocks = [.. Enumerable.Range(0, depth).Where(block => rows[block] == everywhere)],
            Window = windowed.Length == 1 ? (windowed[0] + 1) / 2 : SamConfiguration.ViTB.Window,
            PromptWidth = Of($"{Encoder}neck.0.weight", 4)[0],
            MaskPromptChannels = Of($"{Prompt}mask_downscaling.3.weight", 4)[0],
            DecoderDepth = Blocks(weights, $"{Decoder}transformer.layers"),
            DecoderHidden = Of($"{Decoder}transformer.layers.0.mlp.lin1.weight", 2)[0],
            QualityHidden = Of($"{Decoder}iou_prediction_head.layers.0.weight", 2)[0],
            Masks = Of($"{Decoder}mask_tokens.weight", 2)[0],
        };
        configuration.Check();
        return configuration;

        Shape Of(string name, int rank) => weights.TryGetValue(name, out Shape shape) && shape.Rank == rank
            ? shape
            : throw new ArgumentException(
                $"SAM: '{name}' {(weights.ContainsKey(name) ? $"is {shape}" : "is missing")}; expected {rank} axes");

        static string Table(int block) => $"{Encoder}blocks.{block}.attn.rel_pos_h";
    }

    static int Blocks(IReadOnlyDictionary<string, Shape> weights, string path)
    {
        var number = new Regex($@"^{Regex.Escape(path)}\.(\d{{1,4}})\.");
        return 1 + weights.Keys.Select(name => number.Match(name)).Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].ValueSpan)).DefaultIfEmpty(-1).Max();
    }
}
