using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A block of 3DSAM-adapter's image encoder (Gong 2023), SAM's block on volumes of tokens, attention in windows and an
/// adapter first:
///   a = adapter(x), y = a + attention(norm1(a)), result = y + mlp(norm2(y))      x [B, D, H, W, E] -> [B, D, H, W, E]
/// </summary>
public sealed class Sam3dBlock : Layer
{
    readonly LayerNorm _norm1, _norm2;
    readonly Sam3dAttention _attention;
    readonly EncoderMlp _mlp;

    /// <summary>Creates its weights.</summary>
    /// <param name="w">Its path.</param>
    /// <param name="width">Channels E of a token, a multiple of the heads.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="window">Tokens along each axis of a window; 8 in that program.</param>
    /// <param name="shifted">Whether the windows begin half a window further on; every other block's do.</param>
    /// <param name="grid">
    /// The tables of relative positions have 2 grid - 1 rows: SAM's window, 14, or the tokens along an axis of SAM's
    /// images, 64.
    /// </param>
    public Sam3dBlock(Weights w, int width, int heads, int window, bool shifted, int grid) : base(w)
    {
        Adapter = new Sam3dAdapter(w / "adapter", width);
        _norm1 = new LayerNorm(w / "norm1", width, ImageEncoder.Epsilon);
        Windows = new VolumeWindows(window, shifted);
        _attention = new Sam3dAttention(w / "attn", width, heads, window, Windows, grid);
        _norm2 = new LayerNorm(w / "norm2", width, ImageEncoder.Epsilon);
        _mlp = new EncoderMlp(w / "mlp", width);
    }

    /// <summary>What the block begins with.</summary>
    public Sam3dAdapter Adapter { get; }

    /// <summary>Where it attends.</summary>
    public VolumeWindows Windows { get; }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x)
    {
        Tensor a = Adapter.Forward(x), y = _attention.Forward(_norm1.Forward(a), residual: a);
        return _mlp.Forward(_norm2.Forward(y), residual: y);
    }
}
