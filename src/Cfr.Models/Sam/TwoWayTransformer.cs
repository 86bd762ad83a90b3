using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// The transformer of SAM's decoder (Kirillov 2023, figure 14): blocks in which tokens and image attend to each other,
/// then once more the tokens to the image. The tokens as they come in are the code of their own places throughout.
/// </summary>
public sealed class TwoWayTransformer : Module
{
    readonly TwoWayBlock[] _blocks;
    readonly LayerNorm _norm;

    /// <summary>Creates its weights.</summary>
    public TwoWayTransformer(Weights w, SamConfiguration configuration) : base(w)
    {
        _blocks =
        [
            .. Enumerable.Range(0, configuration.DecoderDepth)
                .Select(i => new TwoWayBlock(w / "layers" / i, configuration, isFirst: i == 0)),
        ];
        Final = TwoWayBlock.Cross(w / "final_attn_token_to_image", configuration);
        _norm = new LayerNorm(w / "norm_final_attn", configuration.PromptWidth);
    }

    /// <summary>In the order in which they come.</summary>
    public IReadOnlyList<TwoWayBlock> Blocks => _blocks;

    /// <summary>Of the tokens to the image, once more.</summary>
    public DecoderAttention Final { get; }

    /// <summary>Tokens [N, T, D] and image [N, L, D], each of the same shape afterwards.</summary>
    /// <param name="tokens">Queries.</param>
    /// <param name="image">The image's embedding, row by row.</param>
    /// <param name="imagePlaces">Codes of its places: [N, L, D], or [1, L, D] for all.</param>
    public (Tensor Tokens, Tensor Image) Forward(Tensor tokens, Tensor image, Tensor imagePlaces)
    {
        using Scope scope = tokens.Session.Scope();
        Tensor places = tokens;
        foreach (TwoWayBlock block in _blocks) (tokens, image) = block.Forward(tokens, image, places, imagePlaces);
        Tensor attended = Final.Forward(tokens + places, image + imagePlaces, image);
        return scope.Return(_norm.Forward(tokens + attended), image);
    }
}
