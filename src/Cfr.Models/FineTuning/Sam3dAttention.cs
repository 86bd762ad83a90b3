using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Attention of 3DSAM-adapter (Gong 2023) within windows of w x w x w tokens, with relative positions along three axes:
///   y = proj(softmax(q k^T / sqrt d + lambda p + mask) v) + residual
///   p[(z, y, x), (z', y', x')] = q . R_h[z - z'] + q . R_w[y - y'] + q . R_d[x - x']
/// x, residual [B, D, H, W, E] -> [B, D, H, W, E]. The tables have as many rows as SAM's and are resampled linearly to
/// the 2 w - 1 distances in a window; that program's names h, w and d stand for the axes in their order. Lambda, 1 at
/// first, is <c>lr</c> there.
/// </summary>
sealed class Sam3dAttention : Module
{
    readonly int _heads, _window;
    readonly VolumeWindows _windows;
    readonly Linear _qkv, _proj;
    readonly Tensor[] _tables;
    readonly Tensor _lambda;

    /// <summary>Creates its weights; the tables are those of a grid with that many tokens along each axis.</summary>
    public Sam3dAttention(Weights w, int width, int heads, int window, VolumeWindows windows, int grid) : base(w)
    {
        (_heads, _window, _windows) = (heads, window, windows);
        _qkv = new Linear(w / "qkv", width, 3 * width);
        _tables = [.. "hwd".Select(axis =>
            w.Parameter($"rel_pos_{axis}", [2 * grid - 1, width / heads], Initialize.Constant(0)))];
        _lambda = w.Parameter("lr", [], Initialize.Constant(1));
        _proj = new Linear(w / "proj", width, width);
    }

    /// <summary>The attention's result plus a residual.</summary>
    public Tensor Forward(Tensor x, Tensor residual)
    {
        using Scope scope = x.Session.Scope();
        Tensor windows = Attend(_windows.Cut(x), _windows.Mask(x.Session, x.Size(1), x.Size(2), x.Size(3)));
        return scope.Return(_proj.Forward(_windows.Join(windows, x.Shape), residual));
    }

    /// <summary>Within each window: [G, w, w, w, E] -> [G, w, w, w, E].</summary>
    Tensor Attend(Tensor windows, Tensor? mask)
    {
        using Scope scope = windows.Session.Scope();
        int count = windows.Size(0), tokens = _window * _window * _window, width = windows.Size(4) / _heads;
        Tensor qkv = _qkv.Forward(windows).Reshape(count, tokens, 3, _heads, width).Permute(2, 0, 3, 1, 4);
        Tensor probabilities = Logits(Part(0), Part(1), mask).Softmax();
        Tensor y = probabilities.Matmul(Part(2)).Reshape(count, _heads, tokens, width).Permute(0, 2, 1, 3);
        return scope.Return(y.Reshape(windows.Shape));

        Tensor Part(int index) => qkv.Slice(0, index, 1).Reshape(count * _heads, tokens, width);
    }

    /// <summary>q, k [G heads, w^3, d] -> [G heads, w^3, w^3]</summary>
    Tensor Logits(Tensor q, Tensor k, Tensor? mask)
    {
        using Scope scope = q.Session.Scope();
        int w = _window, rows = q.Size(0) * q.Size(1);
        Tensor ofW = Positions(q, 1).Reshape(rows, w, 1).Expand([rows, w, w]);
        Tensor inPlane = ofW + Positions(q, 2).Reshape(rows, 1, w);
        Tensor products = q.Affine(1 / MathF.Sqrt(q.Size(2))).Matmul(k, transposeB: true);
        Tensor logits = products.Reshape(rows, w, w * w) + inPlane.Reshape(rows, 1, w * w)
            + Positions(q, 0).Reshape(rows, w, 1);
        if (mask is not null) logits = logits.Reshape(mask.Size(0), -1, q.Size(1), q.Size(1)) + mask;
        return scope.Return(logits.Reshape(products.Shape));
    }

    /// <summary>
    /// lambda q . R[a, b] for the query's place a along an axis and each place b: [G heads, w^3, d] -> [G heads, w, w,
    /// w, w].
    /// </summary>
    Tensor Positions(Tensor q, int axis)
    {
        using Scope scope = q.Session.Scope();
        int w = _window, count = q.Size(0), width = q.Size(2);
        int[] exchanged = [0, 1, 2, 3, 4];
        (exchanged[0], exchanged[axis + 1]) = (axis + 1, 0);
        Tensor places = q.Reshape(count, w, w, w, width).Permute(exchanged);
        Tensor table = _tables[axis].RelativeTable(w) * _lambda;
        Tensor products = places.Reshape(w, -1, width).Matmul(table, transposeB: true);
        return scope.Return(products.Reshape(places.Shape.With(^1, w)).Permute(exchanged));
    }
}
