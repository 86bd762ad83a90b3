using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// A second network whose parameters are a moving average of the student's (Tarvainen and Valpola 2017). It begins with
/// weights of its own, which the first update replaces, and stays in training mode: dropout drops, and batch norm's
/// running statistics come from its own passes.
/// </summary>
public sealed class Teacher
{
    readonly VolumeNetwork _network;
    readonly TeacherConfiguration _configuration;
    readonly Ema _ema;

    /// <summary>Builds it.</summary>
    public Teacher(MethodContext context, IVolumeNetwork student)
    {
        (_network, _configuration) = (context.Network(), context.Configuration.Teacher);
        _ema = new Ema(_network.Weights, student.Weights);
        Noise = shape => context.Session.Normal(shape, deviation: _configuration.Noise)
            .Clamp(-_configuration.NoiseLimit, _configuration.NoiseLimit);
    }

    /// <summary>Its parameters and running statistics.</summary>
    public Weights Weights => _network.Weights;

    /// <summary>What is added to patches: normal numbers within limits, unless a comparison brings its own.</summary>
    internal Func<Shape, Tensor> Noise { get; set; }

    /// <summary>Probabilities <c>[N, D, H, W, K]</c> of patches with noise added; no gradient flows back.</summary>
    public Tensor Probabilities(Tensor patches)
    {
        using Scope scope = patches.Session.Scope();
        using Session.GradMode inference = patches.Session.NoGrad();
        return scope.Return(_network.Logits(patches + Noise(patches.Shape)).Softmax());
    }

    /// <summary>After the optimiser's step of iteration t: decay min(1 - 1 / (t + 1), limit).</summary>
    public void Follow(long iteration) => _ema.Update(Ema.WarmDecay(iteration, _configuration.Decay));
}
