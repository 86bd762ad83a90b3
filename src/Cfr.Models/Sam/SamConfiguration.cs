using System.Text.Json.Serialization;

namespace Cfr.Models;

/// <summary>
/// Sizes of a Segment Anything Model (Kirillov 2023): a ViT encoder of square images, a prompt encoder, a mask decoder.
/// The defaults are those of ViT-B.
/// </summary>
/// <example><code>
/// var sam = new Sam(new Weights(session), SamConfiguration.ViTB);
/// </code></example>
public sealed record SamConfiguration
{
    /// <summary>Published: 93,735,472 parameters.</summary>
    public static readonly SamConfiguration ViTB = new();

    /// <summary>Published: 312,342,832 parameters.</summary>
    public static readonly SamConfiguration ViTL = new() { Width = 1024, Depth = 24, Heads = 16, GlobalBlocks = [5, 11, 17, 23] };

    /// <summary>Published: 641,090,608 parameters.</summary>
    public static readonly SamConfiguration ViTH = new() { Width = 1280, Depth = 32, Heads = 16, GlobalBlocks = [7, 15, 23, 31] };

    /// <summary>Height and width of the input in pixels, a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageSize { get; init; } = 1024;

    /// <summary>Pixels along each axis of what becomes a token.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels of the encoder's tokens.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Encoder blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads of the encoder.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>Blocks, from 0, whose attention sees all tokens; all others attend within windows.</summary>
    public IReadOnlyList<int> GlobalBlocks { get; init; } = [2, 5, 8, 11];

    /// <summary>Tokens along each axis of a window.</summary>
    public int Window { get; init; } = 14;

    /// <summary>Channels of the embedding, the prompts and the decoder's tokens.</summary>
    public int PromptWidth { get; init; } = 256;

    /// <summary>Channels between the two strided convolutions of a mask prompt and its embedding.</summary>
    public int MaskPromptChannels { get; init; } = 16;

    /// <summary>Attention heads of the decoder.</summary>
    public int DecoderHeads { get; init; } = 8;

    /// <summary>Blocks of the decoder's two-way transformer.</summary>
    public int DecoderDepth { get; init; } = 2;

    /// <summary>Hidden channels of the decoder's MLPs.</summary>
    public int DecoderHidden { get; init; } = 2048;

    /// <summary>Hidden channels of the head that predicts the quality of masks.</summary>
    public int QualityHidden { get; init; } = 256;

    /// <summary>
    /// Mask tokens: 4 in SAM (one for a single mask, three for a part, a whole and what is between), classes with the background in a
    /// fine-tuned model.
    /// </summary>
    public int Masks { get; init; } = 4;

    /// <summary>Tokens along each axis of the image.</summary>
    [JsonIgnore]
    public int Grid => ImageSize / PatchSize;

    /// <exception cref="ArgumentException">A size makes no sense, or does not go with another one.</exception>
    public void Check()
    {
        Require(PatchSize >= 1, $"patches of {PatchSize} pixels; expected at least 1");
        Require(
            ImageSize >= PatchSize && ImageSize % PatchSize == 0,
            $"an image size of {ImageSize}; expected a multiple of the patch size, {PatchSize}");
        Require(Depth >= 1, $"{Depth} encoder blocks; expected at least 1");
        Require(
            Heads >= 1 && Width >= Heads && Width % Heads == 0,
            $"a width of {Width} with {Heads} heads; expected a multiple of the heads");
        Require(Window >= 1, $"windows of {Window} tokens; expected at least 1");
        Require(
            GlobalBlocks.All(block => block >= 0 && block < Depth),
            $"global blocks {string.Join(", ", GlobalBlocks)}; expected numbers from 0 to {Depth - 1}");
        Require(
            DecoderHeads >= 1 && PromptWidth >= 1 && PromptWidth % (2 * DecoderHeads) == 0 && PromptWidth % 8 == 0,
            $"a prompt width of {PromptWidth} with {DecoderHeads} decoder heads; "
            + "expected a multiple of 8 and of twice the heads");
        Require(
            MaskPromptChannels >= 4 && MaskPromptChannels % 4 == 0,
            $"{MaskPromptChannels} channels of a mask prompt; expected a multiple of 4");
        Require(DecoderDepth >= 1, $"{DecoderDepth} decoder blocks; expected at least 1");
        Require(DecoderHidden >= 1, $"{DecoderHidden} hidden channels of the decoder; expected at least 1");
        Require(QualityHidden >= 1, $"{QualityHidden} hidden channels of the quality head; expected at least 1");
        Require(Masks >= 1, $"{Masks} masks; expected at least 1");
    }

    static void Require(bool holds, string found)
    {
        if (!holds) throw new ArgumentException($"SAM: {found}");
    }
}
