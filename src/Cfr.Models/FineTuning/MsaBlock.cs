using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A block of SAM's image encoder with the two adapters of Medical SAM Adapter (Wu 2023), in its form for images:
///   h = attention(norm1(x)), y = x + h + Space_Adapter(h)
///   n = norm2(y), result = y + mlp(n) + 0.5 MLP_Adapter(n)      x [B, H, W, E] -> [B, H, W, E]
/// </summary>
/// <remarks>
/// Windows are cut before the norm, unlike in SAM: tokens that fill up a window are the norm's bias, not 0. That
/// program's tables of relative positions are called <c>rel_h</c> and <c>rel_w</c>.
/// </remarks>
public sealed class MsaBlock : Layer
{
    const float Scale = 0.5f;

    readonly LayerNorm _norm1, _norm2;
    readonly EncoderAttention _attention;
    readonly EncoderMlp _mlp;
    readonly Adapter _spaceAdapter, _mlpAdapter;

    /// <summary>Creates its weights.</summary>
    /// <param name="w">Its path.</param>
    /// <param name="width">Channels E of a token, a multiple of the heads.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="grid">Tokens along both axes; means nothing with a window.</param>
    /// <param name="window">Tokens along each axis of a window; 0 attends to everything.</param>
    public MsaBlock(Weights w, int width, int heads, (int H, int W) grid, int window) : base(w)
    {
        _norm1 = new LayerNorm(w / "norm1", width, ImageEncoder.Epsilon);
        _attention = new EncoderAttention(w / "attn", width, heads, grid, window, positions: "rel");
        _spaceAdapter = new Adapter(w / "Space_Adapter", width);
        _norm2 = new LayerNorm(w / "norm2", width, ImageEncoder.Epsilon);
        _mlp = new EncoderMlp(w / "mlp", width);
        _mlpAdapter = new Adapter(w / "MLP_Adapter", width);
    }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x)
    {
        Tensor h = _attention.Forward(_norm1.Forward(x), filling: _norm1.Bias);
        Tensor y = x + _spaceAdapter.Forward(h, residual: h), n = _norm2.Forward(y);
        return _mlp.Forward(n, residual: y) + Scale * _mlpAdapter.Forward(n);
    }
}
