using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// What SAMUS (Lin 2023) calls Space_Adapter: tokens attend to the features of the convolutional branch, without
/// positions: y = proj(attention(q(x), k(c), v(c))) + x.   x, c [B, H, W, E] -> [B, H, W, E]
/// </summary>
sealed class SamusAttention : Module
{
    readonly int _heads;
    readonly Linear _q, _k, _v, _proj;

    /// <summary>Creates its weights.</summary>
    public SamusAttention(Weights w, int width, int heads) : base(w)
    {
        _heads = heads;
        _q = new Linear(w / "q", width, width);
        _k = new Linear(w / "k", width, width);
        _v = new Linear(w / "v", width, width);
        _proj = new Linear(w / "proj", width, width);
    }

    /// <summary>The tokens plus what they find.</summary>
    public Tensor Forward(Tensor x, Tensor features)
    {
        using Scope scope = x.Session.Scope();
        Tensor found = Flat(_q.Forward(x)).Attention(Flat(_k.Forward(features)), Flat(_v.Forward(features)), _heads);
        return scope.Return(_proj.Forward(found.Reshape(x.Shape), residual: x));

        static Tensor Flat(Tensor map) => map.Reshape(map.Size(0), -1, map.Size(3));
    }
}
