using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Attention of SAM's image encoder, among all tokens or within windows, with decomposed relative positions (MViTv2
/// eq. 4): y = proj(attention(qkv(x))) + residual.
///   x [B, H, W, E], residual alike -> [B, H, W, E]
/// </summary>
/// <remarks>
/// Queries, keys and values are those of the image's tokens. A window that hangs over the edge is filled up, without a
/// mask, with tokens of zeros, whose keys and values are the bias of qkv, or with another token.
/// </remarks>
public sealed class EncoderAttention : Module
{
    readonly int _heads, _window;
    readonly Linear _qkv, _proj;
    readonly Tensor _height, _width;

    /// <summary>Creates its weights; a window of 0 attends to everything.</summary>
    internal EncoderAttention(
        Weights w, int width, int heads, (int H, int W) grid, int window, string positions = "rel_pos")
        : base(w)
    {
        (_heads, _window) = (heads, window);
        if (window > 0) grid = (window, window);
        _height = w.Parameter($"{positions}_h", [2 * grid.H - 1, width / heads], Initialize.Constant(0));
        _width = w.Parameter($"{positions}_w", [2 * grid.W - 1, width / heads], Initialize.Constant(0));
        _qkv = new Linear(w / "qkv", width, 3 * width);
        _proj = new Linear(w / "proj", width, width);
    }

    /// <summary>
    /// The attention's result, plus a residual; windows are filled up with a token [E], zeros if null.
    /// </summary>
    internal Tensor Forward(Tensor x, Tensor? residual = null, Tensor? filling = null)
    {
        using Scope scope = x.Session.Scope();
        Tensor y = Attend(x, filling);
        return scope.Return(residual is null ? _proj.Forward(y) : _proj.Forward(y, residual));
    }

    Tensor Attend(Tensor x, Tensor? filling)
    {
        using Scope scope = x.Session.Scope();
        Tensor? outside = filling is null || _window == 0
            ? _qkv.Bias
            : _qkv.Forward(filling.Reshape(1, -1)).Reshape(-1);
        return scope.Return(_qkv.ForAttention(x).SelfAttention(_heads, _height, _width, _window, outside));
    }
}
