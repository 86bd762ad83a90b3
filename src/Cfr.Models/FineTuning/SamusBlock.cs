using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A global block of SAMUS's image encoder (Lin 2023), where SAM's tokens x meet the features c of a convolutional
/// branch; the blocks with windows are SAM's own, <see cref="EncoderBlock"/>.
///   n = norm1(x), h = n + Space_Adapter(n, c), y = x + attention(h)
///   n = norm2(y), tokens = y + mlp(n) + 0.5 MLP_Adapter(n)      features = GELU(norm(conv(c))), for the next block
/// x, c [B, H, W, E] -> tokens, features [B, H, W, E]
/// </summary>
public sealed class SamusBlock : Module
{
    const float Scale = 0.5f;

    readonly LayerNorm _norm1, _norm2;
    readonly EncoderAttention _attention;
    readonly EncoderMlp _mlp;
    readonly SamusAttention _spaceAdapter;
    readonly Adapter _mlpAdapter;
    readonly ConvNormGelu _refinement;

    /// <summary>Creates its weights.</summary>
    /// <param name="w">Its path.</param>
    /// <param name="width">Channels E of a token and of the branch, a multiple of the heads.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="grid">Tokens along both axes.</param>
    public SamusBlock(Weights w, int width, int heads, (int H, int W) grid) : base(w)
    {
        _norm1 = new LayerNorm(w / "norm1", width, ImageEncoder.Epsilon);
        _spaceAdapter = new SamusAttention(w / "Space_Adapter", width, heads);
        _attention = new EncoderAttention(w / "attn", width, heads, grid, window: 0);
        _norm2 = new LayerNorm(w / "norm2", width, ImageEncoder.Epsilon);
        _mlp = new EncoderMlp(w / "mlp", width);
        _mlpAdapter = new Adapter(w / "MLP_Adapter", width);
        _refinement = new ConvNormGelu(w / "refine_Adapter" / "conv", number: 0, width, width);
    }

    /// <summary>The tokens after the block, and the features for the next global block.</summary>
    public (Tensor Tokens, Tensor Features) Forward(Tensor x, Tensor features)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(Widen(Attend(x, features)), _refinement.Forward(features));
    }

    Tensor Attend(Tensor x, Tensor features)
    {
        using Scope scope = x.Session.Scope();
        Tensor h = _spaceAdapter.Forward(_norm1.Forward(x), features);
        return scope.Return(_attention.Forward(h, residual: x));
    }

    Tensor Widen(Tensor y)
    {
        using Scope scope = y.Session.Scope();
        Tensor n = _norm2.Forward(y);
        return scope.Return(_mlp.Forward(n, residual: y) + Scale * _mlpAdapter.Forward(n));
    }
}
