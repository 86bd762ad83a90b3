using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Attention of SAM's decoder: q [N, Lq, width], k and v [N, Lk, width] -> [N, Lq, width], with projections of their own to
/// <paramref name="inner"/> channels and back.
/// </summary>
sealed class DecoderAttention(Weights w, int width, int inner, int heads) : Module(w)
{
    readonly Linear _q = new(w / "q_proj", width, inner), _k = new(w / "k_proj", width, inner);
    readonly Linear _v = new(w / "v_proj", width, inner), _out = new(w / "out_proj", inner, width);

    public Tensor Forward(Tensor q, Tensor k, Tensor v)
    {
        using Scope scope = q.Session.Scope();
        return scope.Return(_out.Forward(_q.Forward(q).Attention(_k.Forward(k), _v.Forward(v), heads)));
    }
}
