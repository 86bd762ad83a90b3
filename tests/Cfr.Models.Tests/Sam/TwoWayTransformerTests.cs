using Cfr.Tensors;

namespace Cfr.Models.Tests;

/// <summary>The decoder's transformer against the original program.</summary>
public sealed class TwoWayTransformerTests : IDisposable
{
    const double Allowed = 1e-5, GradientAllowed = 3e-5;

    readonly GoldenModule<TwoWayTransformer> _golden = new("two_way_transformer", w => new TwoWayTransformer(w,
        new SamConfiguration { PromptWidth = 32, DecoderHeads = 4, DecoderHidden = 64, DecoderDepth = 2 }));

    public void Dispose() => _golden.Dispose();

    [Fact]
    public void Results_and_all_gradients()
    {
        Tensor tokens = _golden.Tensor("in/tokens").WithGrad();
        Tensor image = _golden.Image("in/image_embedding").WithGrad(), places = _golden.Image("in/image_pe").WithGrad();
        var (queries, keys) = _golden.Module.Forward(tokens, image.Reshape(2, 20, 32), places.Reshape(2, 20, 32));
        _golden.File.AssertEqual("out/queries", queries, Allowed);
        _golden.File.AssertEqual("out/keys", keys, Allowed);
        ((queries * _golden.Tensor("in/upstream_queries")).Sum() + (keys * _golden.Tensor("in/upstream_keys")).Sum()).Backward();
        _golden.File.AssertEqual("grad_in/tokens", tokens.Grad, GradientAllowed);
        _golden.AssertImage("grad_in/image_embedding", image.Grad, GradientAllowed);
        _golden.AssertImage("grad_in/image_pe", places.Grad, GradientAllowed);
        _golden.AssertGradients(GradientAllowed);
    }

    /// <summary>Each part gets what the original program's part before it gave.</summary>
    [Theory, InlineData(0), InlineData(1)]
    public void Every_part_of_a_block(int index)
    {
        TwoWayBlock block = _golden.Module.Blocks[index];
        Tensor tokens = index == 0 ? _golden.Tensor("in/tokens") : Mid("layer0.queries");
        Tensor image = index == 0 ? _golden.Places("in/image_embedding") : Mid("layer0.keys");
        Tensor places = _golden.Tensor("in/tokens"), imagePlaces = _golden.Places("in/image_pe");
        Tensor placed = index == 0 ? tokens : tokens + places;
        Check("self_attn", block.SelfAttention.Forward(placed, placed, tokens));
        Check("norm1", block.Norms[0].Forward(index == 0 ? Own("self_attn") : tokens + Own("self_attn")));
        tokens = Own("norm1");
        Check("cross_attn_token_to_image", block.TokensToImage.Forward(tokens + places, image + imagePlaces, image));
        Check("norm2", block.Norms[1].Forward(tokens + Own("cross_attn_token_to_image")));
        tokens = Own("norm2");
        Check("mlp", block.Mlp.Forward(tokens));
        Check("norm3", block.Norms[2].Forward(tokens + Own("mlp")));
        tokens = Own("norm3");
        Check("cross_attn_image_to_token", block.ImageToTokens.Forward(image + imagePlaces, tokens + places, tokens));
        Check("norm4", block.Norms[3].Forward(image + Own("cross_attn_image_to_token")));

        Tensor before = index == 0 ? _golden.Tensor("in/tokens") : Mid("layer0.queries");
        var (queries, keys) = block.Forward(before, image, places, imagePlaces);
        Check("queries", queries);
        Check("keys", keys);

        Tensor Own(string name) => Mid($"layer{index}.{name}");

        void Check(string name, Tensor got) => _golden.File.AssertEqual($"mid/layer{index}.{name}", got, Allowed);
    }

    [Fact]
    public void The_tokens_attend_to_the_image_once_more()
    {
        Tensor tokens = Mid("layer1.queries"), image = Mid("layer1.keys");
        _golden.File.AssertEqual("mid/final_attn", _golden.Module.Final.Forward(
            tokens + _golden.Tensor("in/tokens"), image + _golden.Places("in/image_pe"), image), Allowed);
    }

    Tensor Mid(string name) => _golden.Tensor($"mid/{name}");
}
