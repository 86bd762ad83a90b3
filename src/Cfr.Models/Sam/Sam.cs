using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Masks and how good the model expects them to be.</summary>
/// <param name="Logits">[N, 4g, 4g, masks]; above 0 is the object.</param>
/// <param name="Quality">Expected intersection over union with the truth [N, masks].</param>
public readonly record struct MaskPrediction(Tensor Logits, Tensor Quality);

/// <summary>
/// The Segment Anything Model (Kirillov 2023): an image is encoded once; prompts ask for masks in it. Without prompts
/// and with a mask token for each class it is the network that SAMed (Zhang 2023) fine-tunes.
/// </summary>
/// <example><code>
/// var sam = new Sam(new Weights(session), SamConfiguration.ViTB);
/// Tensor embedding = sam.Embed(images);                      // [1, 1024, 1024, 3] -> [1, 64, 64, 256]
/// MaskPrediction masks = sam.Predict(embedding, prompts);    // as often as wanted
/// </code></example>
public sealed class Sam : Module
{
    /// <summary>Creates its weights.</summary>
    public Sam(Weights w, SamConfiguration configuration) : base(w)
    {
        Configuration = configuration;
        ImageEncoder = new ImageEncoder(w / "image_encoder", configuration);
        PromptEncoder = new PromptEncoder(w / "prompt_encoder", configuration);
        MaskDecoder = new MaskDecoder(w / "mask_decoder", configuration);
    }

    /// <summary>Its sizes.</summary>
    public SamConfiguration Configuration { get; }

    /// <summary>Images to embeddings.</summary>
    public ImageEncoder ImageEncoder { get; }

    /// <summary>Points, boxes and masks to tokens.</summary>
    public PromptEncoder PromptEncoder { get; }

    /// <summary>Embeddings and tokens to masks.</summary>
    public MaskDecoder MaskDecoder { get; }

    /// <summary>Embeddings [B, g, g, D] of images [B, H, W, 3], H = W = the image size.</summary>
    public Tensor Embed(Tensor images) => ImageEncoder.Forward(images);

    /// <summary>
    /// All masks that the prompts ask for: P prompts of one image, or a prompt (or none) for each of B images.
    /// </summary>
    public MaskPrediction Predict(Tensor embedding, Prompts prompts)
    {
        using Scope scope = embedding.Session.Scope();
        DecodedTokens decoded = MaskDecoder.Attend(embedding, PromptEncoder.DensePositions(), PromptEncoder.Forward(prompts));
        return new MaskPrediction(scope.Return(MaskDecoder.Masks(decoded)), scope.Return(MaskDecoder.Quality(decoded)));
    }

    /// <summary>Logits [B, 4g, 4g, masks] of embeddings [B, g, g, D], without prompts.</summary>
    public Tensor Decode(Tensor embedding)
    {
        using Scope scope = embedding.Session.Scope();
        DecodedTokens decoded = MaskDecoder.Attend(
            embedding, PromptEncoder.DensePositions(), PromptEncoder.Forward(Prompts.None));
        return scope.Return(MaskDecoder.Masks(decoded));
    }

    /// <summary>
    /// Logits [B, 4g, 4g, masks] of images [B, H, W, 3], without prompts: a channel a class in a fine-tuned model.
    /// </summary>
    public Tensor Forward(Tensor images)
    {
        using Scope scope = images.Session.Scope();
        return scope.Return(Decode(Embed(images)));
    }
}
