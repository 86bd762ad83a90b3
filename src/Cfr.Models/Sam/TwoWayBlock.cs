using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A block of SAM's decoder: tokens attend to each other, then to the image, pass an MLP, and the image attends to the
/// tokens. Norms come after the sums. Tokens [N, T, D], image [N, L, D]; the codes of places are added to queries and
/// keys, never to values.
/// </summary>
public sealed class TwoWayBlock : Module
{
    readonly bool _isFirst;

    /// <summary>Creates its weights.</summary>
    /// <param name="w">Its path.</param>
    /// <param name="configuration">Sizes.</param>
    /// <param name="isFirst">
    /// In the first block the result of the tokens' attention replaces them, and no code of places is added: they are
    /// that code.
    /// </param>
    internal TwoWayBlock(Weights w, SamConfiguration configuration, bool isFirst) : base(w)
    {
        int width = configuration.PromptWidth, hidden = configuration.DecoderHidden;
        _isFirst = isFirst;
        SelfAttention = new DecoderAttention(w / "self_attn", width, width, configuration.DecoderHeads);
        TokensToImage = Cross(w / "cross_attn_token_to_image", configuration);
        ImageToTokens = Cross(w / "cross_attn_image_to_token", configuration);
        Mlp = new Sequential(w,
            new Linear(w / "mlp" / "lin1", width, hidden, activation: Activation.Relu),
            new Linear(w / "mlp" / "lin2", hidden, width));
        Norms = [.. Enumerable.Range(1, 4).Select(i => new LayerNorm(w / $"norm{i}", width))];
    }

    /// <summary>Of the tokens among each other.</summary>
    public DecoderAttention SelfAttention { get; }

    /// <summary>Of the tokens to the image.</summary>
    public DecoderAttention TokensToImage { get; }

    /// <summary>Of the image to the tokens.</summary>
    public DecoderAttention ImageToTokens { get; }

    /// <summary>Of each token.</summary>
    public Layer Mlp { get; }

    /// <summary>After each of the four sums, in their order.</summary>
    public IReadOnlyList<LayerNorm> Norms { get; }

    /// <summary>Tokens and image, each of the same shape afterwards.</summary>
    public (Tensor Tokens, Tensor Image) Forward(Tensor tokens, Tensor image, Tensor tokenPlaces, Tensor imagePlaces)
    {
        using Scope scope = tokens.Session.Scope();
        if (_isFirst)
        {
            tokens = Norms[0].Forward(SelfAttention.Forward(tokens, tokens, tokens));
        }
        else
        {
            Tensor placed = tokens + tokenPlaces;
            tokens = Norms[0].Forward(tokens + SelfAttention.Forward(placed, placed, tokens));
        }
        Tensor imageKeys = image + imagePlaces;
        tokens = Norms[1].Forward(tokens + TokensToImage.Forward(tokens + tokenPlaces, imageKeys, image));
        tokens = Norms[2].Forward(tokens + Mlp.Forward(tokens));
        image = Norms[3].Forward(image + ImageToTokens.Forward(imageKeys, tokens + tokenPlaces, tokens));
        return scope.Return(tokens, image);
    }

    /// <summary>Attention across has half the channels.</summary>
    internal static DecoderAttention Cross(Weights w, SamConfiguration configuration) =>
        new(w, configuration.PromptWidth, configuration.PromptWidth / 2, configuration.DecoderHeads);
}
