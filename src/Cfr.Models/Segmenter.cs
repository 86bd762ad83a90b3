using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// A network from volumes x [N, D, H, W, channels] to logits [N, D, H, W, classes]. D, H and W are the axes 0, 1, 2 of
/// the stored arrays; each must be a multiple of <see cref="Multiple"/>.
/// </summary>
public abstract class Segmenter : Module
{
    /// <summary>Four levels down, each half as large: sizes are multiples of 16.</summary>
    public const int Multiple = 16;

    /// <summary>Checks the description.</summary>
    private protected Segmenter(Weights weights, NetworkConfiguration configuration) : base(weights)
    {
        configuration.Check();
        Configuration = configuration;
    }

    /// <summary>What it is.</summary>
    public NetworkConfiguration Configuration { get; }

    /// <summary>The main logits. A network of one output channel gives the logit of the object alone.</summary>
    /// <param name="x">Volumes [N, D, H, W, channels].</param>
    /// <param name="dropout">False turns dropout off for this call, also while training.</param>
    /// <exception cref="ArgumentException">A size of the input does not fit.</exception>
    public Tensor Forward(Tensor x, bool dropout = true)
    {
        Check(x);
        using Scope scope = x.Session.Scope();
        return scope.Return(Logits(x, dropout));
    }

    private protected abstract Tensor Logits(Tensor x, bool dropout);

    /// <summary>Drops whole channels of a sample, if it is to.</summary>
    private protected Tensor DropChannels(Tensor x, float rate, bool dropout) =>
        Drops(dropout) ? x.ChannelDropout(rate) : x;

    /// <summary>Drops single elements, if it is to.</summary>
    private protected Tensor DropElements(Tensor x, float rate, bool dropout) => Drops(dropout) ? x.Dropout(rate) : x;

    private protected void Check(Tensor x)
    {
        bool fits = x.Rank == 5 && x.Size(^1) == Configuration.Channels && x.Shape[1..^1].All(size => size > 0 && size % Multiple == 0);
        if (!fits)
            throw new ArgumentException(
                $"{GetType().Name}: the input is {x.Shape}; expected [N, D, H, W, {Configuration.Channels}], "
                + $"D, H and W multiples of {Multiple}");
    }

    bool Drops(bool dropout) => dropout && Training && Configuration.Dropout;
}
