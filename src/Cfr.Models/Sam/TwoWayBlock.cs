using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A block of SAM's decoder: tokens attend to each other, then to the image, pass an MLP, and the image attends to the tokens. Norms
/// come after the sums. Tokens [N, T, D], image [N, L, D]; the codes of places are added to queries and keys, never to values.
/// </summary>
/// <param name="w">Its path.</param>
/// <param name="configuration">Sizes.</param>
/// <param name="isFirst">
/// In the first block the result of the tokens' attention replaces them, and no code of places is added: they are that code.
/// </param>
sealed class TwoWayBlock(Weights w, SamConfiguration configuration, bool isFirst) : Module(w)
{
    public DecoderAttention SelfAttention { get; } =
        new(w / "self_attn", configuration.PromptWidth, configuration.PromptWidth, configuration.DecoderHeads);

    public DecoderAttention TokensToImage { get; } = Cross(w / "cross_attn_token_to_image", configuration);

    public DecoderAttention ImageToTokens { get; } = Cross(w / "cross_attn_image_to_token", configuration);

    public Layer Mlp { get; } = new Sequential(w,
        new Linear(w / "mlp" / "lin1", configuration.PromptWidth, configuration.DecoderHidden, activation: Activation.Relu),
        new Linear(w / "mlp" / "lin2", configuration.DecoderHidden, configuration.PromptWidth));

    public LayerNorm[] Norms { get; } =
        [.. Enumerable.Range(1, 4).Select(i => new LayerNorm(w / $"norm{i}", configuration.PromptWidth))];

    public (Tensor Tokens, Tensor Image) Forward(Tensor tokens, Tensor image, Tensor tokenPlaces, Tensor imagePlaces)
    {
        using Scope scope = tokens.Session.Scope();
        if (isFirst)
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
    public static DecoderAttention Cross(Weights w, SamConfiguration configuration) =>
        new(w, configuration.PromptWidth, configuration.PromptWidth / 2, configuration.DecoderHeads);
}
