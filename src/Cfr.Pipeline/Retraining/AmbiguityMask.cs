using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// Where a student is unsure (AC-MT): H(p) >= threshold(t) ln K with the entropy H = - sum p log(p + 1e-6). Of its own
/// prediction (<see cref="AmbiguityKind.Entropy"/>), or of the mean of several passes with dropout over noisy patches
/// (<see cref="AmbiguityKind.Uncertainty"/>), which in training mode move its running statistics too. The threshold rises
/// along exp(-5 (1 - t/T)^2), from 0.75 to 0.95 or 0.9.
/// </summary>
sealed class AmbiguityMask(AcmtConfiguration configuration, int iterations)
{
    const float Epsilon = 1e-6f;

    /// <summary>Passes of the student to take the mean of; 0 for its own prediction.</summary>
    public int Passes => CountsClasses ? 0 : configuration.Passes;

    /// <summary>Whether AC-MT's code repeats the mask over the classes before it counts it.</summary>
    public bool CountsClasses => configuration.Mask == AmbiguityKind.Entropy;

    /// <summary>The threshold, a share of the largest entropy ln K.</summary>
    public Schedule Threshold { get; } =
        new RampSchedule(configuration.ThresholdStart, configuration.UsedThresholdEnd, Every: 1, Length: iterations);

    /// <summary>The number that an entropy must exceed to reach threshold(t) ln K.</summary>
    public float Bound(long iteration, int classes) =>
        MathF.BitDecrement((float)(Threshold.At(iteration) * Math.Log(classes)));

    /// <summary>
    /// 1 where the entropy of probabilities <c>[.., K]</c> exceeds the bound, a scalar, else 0: <c>[.., 1]</c>.
    /// </summary>
    public static Tensor Of(Tensor probabilities, Tensor bound)
    {
        using Scope scope = probabilities.Session.Scope();
        using Session.GradMode constant = probabilities.Session.NoGrad();
        return scope.Return(Entropy(probabilities).Greater(bound));
    }

    /// <summary>H in nats, <c>[.., 1]</c>.</summary>
    public static Tensor Entropy(Tensor probabilities)
    {
        Tensor entropy = -(probabilities * (probabilities + Epsilon).Log()).Sum(^1);
        Shape shape = [.. entropy.Shape, 1];
        return entropy.Reshape(shape);
    }

    /// <summary>
    /// Mean probabilities of passes over patches with noise; each pass sees the patches twice, as in AC-MT's code.
    /// </summary>
    public Tensor MeanOfPasses(IVolumeNetwork student, Tensor patches, Func<Shape, Tensor> noise)
    {
        using Scope scope = patches.Session.Scope();
        using Session.GradMode constant = patches.Session.NoGrad();
        Tensor twice = patches.Concat(0, patches), sum = Pass();
        for (int pass = 2; pass < Passes; pass += 2)
        {
            using Scope one = patches.Session.Scope();
            sum = one.Return(sum + Pass());
        }
        int count = patches.Size(0);
        return scope.Return((sum.Slice(0, 0, count) + sum.Slice(0, count, count)) / Passes);

        Tensor Pass() => student.Logits(twice + noise(twice.Shape)).Softmax();
    }
}
