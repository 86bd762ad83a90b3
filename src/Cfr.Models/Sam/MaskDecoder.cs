using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>The decoder's tokens and image after they have attended to each other.</summary>
/// <param name="Tokens">[N, 1 + masks + prompts' tokens, D]: the quality token, a token a mask, the prompts.</param>
/// <param name="Image">[N, g, g, D]</param>
public readonly record struct DecodedTokens(Tensor Tokens, Tensor Image);

/// <summary>
/// SAM's mask decoder (Kirillov 2023, section 3 and figure 14). Mask t is at every place the product of the upscaled
/// image with a vector that an MLP of its own makes of token t.
/// </summary>
public sealed class MaskDecoder : Module
{
    const float Epsilon = 1e-6f;

    readonly SamConfiguration _configuration;
    readonly TwoWayTransformer _transformer;
    readonly Tensor _qualityToken, _maskTokens;
    readonly HeadMlp[] _maskVectors;
    readonly HeadMlp _quality;

    /// <summary>Creates its weights.</summary>
    public MaskDecoder(Weights w, SamConfiguration configuration) : base(w)
    {
        _configuration = configuration;
        int width = configuration.PromptWidth, half = width / 4, full = width / 8;
        _transformer = new TwoWayTransformer(w / "transformer", configuration);
        _qualityToken = (w / "iou_token").Parameter("weight", [1, width], Initialize.Normal(1));
        _maskTokens = (w / "mask_tokens").Parameter("weight", [configuration.Masks, width], Initialize.Normal(1));
        Weights up = w / "output_upscaling";
        UpscalingToHalf = new Sequential(up,
            new ConvTranspose2d(up / 0, width, half, kernel: 2, stride: 2), new LayerNorm(up / 1, half, Epsilon));
        UpscalingToFull = new Sequential(up,
            new Function(up, UnaryOps.Gelu), new ConvTranspose2d(up / 3, half, full, kernel: 2, stride: 2),
            new Function(up, UnaryOps.Gelu));
        _maskVectors =
        [
            .. Enumerable.Range(0, configuration.Masks)
                .Select(t => new HeadMlp(w / "output_hypernetworks_mlps" / t, width, width, full)),
        ];
        _quality = new HeadMlp(w / "iou_prediction_head", width, configuration.QualityHidden, configuration.Masks);
    }

    /// <summary>[N, g, g, D] -> [N, 2g, 2g, D/4]</summary>
    public Layer UpscalingToHalf { get; }

    /// <summary>[N, 2g, 2g, D/4] -> [N, 4g, 4g, D/8]</summary>
    public Layer UpscalingToFull { get; }

    /// <summary>
    /// Tokens and image attend to each other. N is the number of images or that of prompts: many prompts of one image,
    /// one set of prompts (or none) for many images, or a set for each.
    /// </summary>
    /// <param name="embedding">The images [B, g, g, D].</param>
    /// <param name="positions">Codes of their places [1, g, g, D].</param>
    /// <param name="prompts">Of P prompts.</param>
    public DecodedTokens Attend(Tensor embedding, Tensor positions, PromptEmbedding prompts)
    {
        int width = _configuration.PromptWidth, images = embedding.Size(0), batch = Batch(images, prompts);
        int rows = embedding.Size(1), columns = embedding.Size(2), places = rows * columns;
        using Scope scope = embedding.Session.Scope();
        Tensor own = _qualityToken.Concat(0, _maskTokens).Reshape(1, 1 + _configuration.Masks, width);
        Tensor tokens = own.Expand([batch, own.Size(1), width]);
        if (prompts.Sparse is { } sparse) tokens = tokens.Concat(1, sparse.Expand([batch, sparse.Size(1), width]));
        Tensor image = embedding + prompts.Dense;
        if (image.Size(0) != batch) image = image.Expand(image.Shape.With(0, batch));
        var (attended, seen) = _transformer.Forward(
            tokens, image.Reshape(batch, places, width), positions.Reshape(-1, places, width));
        return new DecodedTokens(scope.Return(attended), scope.Return(seen.Reshape(batch, rows, columns, width)));
    }

    /// <summary>Logits of all masks [N, 4g, 4g, masks]; above 0 is the object.</summary>
    public Tensor Masks(DecodedTokens decoded)
    {
        using Scope scope = decoded.Image.Session.Scope();
        Tensor image = UpscalingToFull.Forward(UpscalingToHalf.Forward(decoded.Image)), vectors = MaskVectors(decoded.Tokens);
        int batch = image.Size(0), rows = image.Size(1), columns = image.Size(2);
        Tensor logits = image.Reshape(batch, rows * columns, image.Size(3)).Matmul(vectors, transposeB: true);
        return scope.Return(logits.Reshape(batch, rows, columns, _configuration.Masks));
    }

    /// <summary>What the model expects each mask's intersection over union with the truth to be: [N, masks].</summary>
    public Tensor Quality(DecodedTokens decoded)
    {
        using Scope scope = decoded.Tokens.Session.Scope();
        Tensor quality = _quality.Forward(decoded.Tokens.Slice(1, 0, 1));
        return scope.Return(quality.Reshape(-1, _configuration.Masks));
    }

    /// <summary>Tokens [N, 1 + masks + .., D] -> the masks' vectors [N, masks, D/8].</summary>
    public Tensor MaskVectors(Tensor tokens)
    {
        using Scope scope = tokens.Session.Scope();
        Tensor[] vectors = [.. _maskVectors.Select((mlp, t) => mlp.Forward(tokens.Slice(1, 1 + t, 1)))];
        return scope.Return(vectors[0].Concat(1, vectors[1..]));
    }

    int Batch(int images, PromptEmbedding prompts)
    {
        int sparse = prompts.Sparse?.Size(0) ?? 1, dense = prompts.Dense.Size(0);
        int batch = Math.Max(images, Math.Max(sparse, dense));
        if (new[] { images, sparse, dense }.Any(count => count != 1 && count != batch))
            throw new ArgumentException(
                $"mask decoder: {images} images, {sparse} sparse and {dense} dense prompts; "
                + "expected one of each, or as many as the largest");
        return batch;
    }
}
