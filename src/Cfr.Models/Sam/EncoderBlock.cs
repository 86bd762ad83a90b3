using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A block of SAM's image encoder: y = x + attention(norm1(x)), then y + mlp(norm2(y)). Tokens [B, H, W, E] -> [B, H, W, E].
/// </summary>
public sealed class EncoderBlock : Layer
{
    readonly LayerNorm _norm1, _norm2;
    readonly EncoderAttention _attention;
    readonly EncoderMlp _mlp;

    /// <summary>Creates its weights.</summary>
    internal EncoderBlock(Weights w, SamConfiguration configuration, int index) : base(w)
    {
        int width = configuration.Width;
        int window = configuration.GlobalBlocks.Contains(index) ? 0 : configuration.Window;
        _norm1 = new LayerNorm(w / "norm1", width, ImageEncoder.Epsilon);
        _attention = new EncoderAttention(w / "attn", width, configuration.Heads, configuration.Grid, window);
        _norm2 = new LayerNorm(w / "norm2", width, ImageEncoder.Epsilon);
        _mlp = new EncoderMlp(w / "mlp", width);
    }

    internal bool Checkpointing { get; set; }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor x) => Checkpointing && NeedsGradient(x) ? x.Checkpoint(Both) : Both(x);

    /// <summary>x + attention(norm1(x)), the first half of the block.</summary>
    public Tensor Attend(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(_attention.Forward(_norm1.Forward(x), residual: x));
    }

    /// <summary>x + mlp(norm2(x)), the second half.</summary>
    public Tensor Widen(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(_mlp.Forward(_norm2.Forward(x), residual: x));
    }

    Tensor Both(Tensor x) => Widen(Attend(x));

    bool NeedsGradient(Tensor x) => x.RequiresGrad || Weights.Parameters.Any(weight => weight.Tensor.RequiresGrad);
}
