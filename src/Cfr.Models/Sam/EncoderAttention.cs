using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Attention of SAM's image encoder, among all tokens or within windows, with decomposed relative positions (MViTv2 eq. 4):
/// y = proj(attention(qkv(x))) + residual.   x [B, H, W, E], residual alike -> [B, H, W, E]
/// </summary>
/// <remarks>
/// Windows that hang over the edge are filled up with zeros, whose keys and values are the bias of qkv: there is no mask. Their
/// results are dropped before the projection, which works on each token alone.
/// </remarks>
public sealed class EncoderAttention : Module
{
    readonly int _heads, _window;
    readonly Linear _qkv, _proj;
    readonly Tensor _height, _width;

    /// <summary>Creates its weights; a window of 0 attends to everything.</summary>
    internal EncoderAttention(Weights w, int width, int heads, int grid, int window) : base(w)
    {
        (_heads, _window) = (heads, window);
        int side = window == 0 ? grid : window;
        _height = w.Parameter("rel_pos_h", [2 * side - 1, width / heads], Initialize.Constant(0));
        _width = w.Parameter("rel_pos_w", [2 * side - 1, width / heads], Initialize.Constant(0));
        _qkv = new Linear(w / "qkv", width, 3 * width);
        _proj = new Linear(w / "proj", width, width);
    }

    /// <summary>The attention's result plus a residual.</summary>
    internal Tensor Forward(Tensor x, Tensor residual)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(_proj.Forward(Attend(x), residual));
    }

    Tensor Attend(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        Tensor y = Qkv(x).SelfAttention(_heads, _height, _width);
        return scope.Return(_window == 0 ? y : y.WindowUnpartition(x.Size(1), x.Size(2)));
    }

    /// <summary>Queries, keys and values: [B, H, W, 3 E], or those of the windows.</summary>
    Tensor Qkv(Tensor x)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(_qkv.Forward(_window == 0 ? x : x.WindowPartition(_window)));
    }
}
