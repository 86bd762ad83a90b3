using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Dropout (Hinton 2012): y = x m / (1 - rate), m = 0 with probability rate, else 1, drawn from the session's random
/// stream. One m for each element, or one for each channel of each sample.
///   x [..] or x [N, .., C] -> y of the same shape
///   dx = dy m / (1 - rate): the same draw again
/// Channels of what a norm has put off are dropped in its constants (<see cref="DeferredNorm"/>), those of a gradient that
/// was put off in its right side (<see cref="DeferredProduct"/>): there 0 times what is no number stays none.
/// </summary>
public static class DropoutOps
{
    /// <summary>Drops single elements.</summary>
    public static Tensor Dropout(this Tensor x, float rate) => Drop(nameof(Dropout), x, rate, 1, 1, x.Count);

    /// <summary>Drops whole channels of whole samples, for [N, .., C].</summary>
    public static Tensor ChannelDropout(this Tensor x, float rate)
    {
        if (x.Rank < 2) throw Expect.Mismatch(nameof(ChannelDropout), nameof(x), x, "[N, .., C]");
        return Drop(nameof(ChannelDropout), x, rate, x.Size(0), x.Shape[1..^1].Count, x.Size(^1));
    }

    static Tensor Drop(string op, Tensor x, float rate, long outer, long middle, long inner)
    {
        Expect.Type(op, nameof(x), x, DType.Float32);
        if (rate is not (>= 0 and <= 1)) throw new ArgumentException($"{op}: the rate is {rate}, expected 0 to 1");
        if (rate == 0) return x;
        Session session = x.Session;
        RandomKey key = session.Random.Next();
        bool areChannels = middle > 1;
        Tensor y = areChannels && x.Deferred is { } norm ? norm.Times(Factors()) : Write(x);
        return y.Record(op, [x], keep: [], backward: g => g.Add(0, () =>
            areChannels && g.OfResult.DeferredGradient is { } product
                ? product.Times(Factors())
                : Write(g.OfResult)));

        Tensor Write(Tensor from)
        {
            Tensor to = session.Empty(from.Shape);
            session.Device.Random.Dropout(key, rate, outer, middle, inner, from.View, to.View);
            return to;
        }

        // The same draw: its numbers do not depend on the voxels between.
        Tensor Factors()
        {
            Shape each = [(int)outer, (int)inner];
            Tensor ones = session.Full(each, 1), factors = session.Empty(each);
            session.Device.Random.Dropout(key, rate, outer, 1, inner, ones.View, factors.View);
            return factors;
        }
    }
}
