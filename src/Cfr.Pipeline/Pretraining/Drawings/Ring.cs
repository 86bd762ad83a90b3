using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>A band along the inside of a blob's border.</summary>
sealed class Ring(RandomNumbers random, float thinnest) : Figure
{
    readonly Blob _outer = new(random);
    readonly float _half = MathF.Max(random.Uniform(0.06f, 0.16f), thinnest / 2);

    public override float Reach => _outer.Reach;

    public override float Distance(float x, float y) => MathF.Abs(_outer.Distance(x, y) + _half) - _half;
}
