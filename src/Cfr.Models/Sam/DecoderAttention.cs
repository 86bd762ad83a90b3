using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Attention of SAM's decoder: q [N, Lq, width], k and v [N, Lk, width] -> [N, Lq, width], with projections of their
/// own to fewer channels or as many, and back.
/// </summary>
public sealed class DecoderAttention : Module
{
    readonly int _heads;
    readonly Linear _q, _k, _v, _out;

    /// <summary>Creates its weights.</summary>
    internal DecoderAttention(Weights w, int width, int inner, int heads) : base(w)
    {
        _heads = heads;
        _q = new Linear(w / "q_proj", width, inner);
        _k = new Linear(w / "k_proj", width, inner);
        _v = new Linear(w / "v_proj", width, inner);
        _out = new Linear(w / "out_proj", inner, width);
    }

    /// <summary>What the queries find.</summary>
    public Tensor Forward(Tensor q, Tensor k, Tensor v)
    {
        using Scope scope = q.Session.Scope();
        return scope.Return(_out.Forward(_q.Forward(q).Attention(_k.Forward(k), _v.Forward(v), _heads)));
    }
}
