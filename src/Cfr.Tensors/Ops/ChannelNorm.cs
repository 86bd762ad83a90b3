using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// What batch, group and instance norm share: y = act(n w + b), n = (x - mean) / sqrt(variance + eps), of x [N, .., C]
/// with w and b [C] or none. Kept for backward is x; the activation's derivative is computed again from it. g = dy
/// act'(n w + b):
///   dx = (g w - mean(g w) - n mean(g w n)) / sqrt(variance + eps), means over what shares a statistic, left out where
///   the statistics are constants      dw = sum g n      db = sum g
/// Over what shares a statistic sum n = 0, so sum dx = 0: a constant added to x changes nothing. Where each channel has
/// statistics of its own, that holds for each channel, and a bias added to x has no gradient.
/// </summary>
static class ChannelNorm
{
    public static void Check(string op, Tensor x, Tensor? weight, Tensor? bias)
    {
        Expect.Type(op, nameof(x), x, DType.Float32);
        if (x.Rank < 2 || x.Size(^1) == 0) throw Expect.Mismatch(op, nameof(x), x, "[N, .., C] with at least one channel");
        if (weight is not null) Expect.Shape(op, nameof(weight), weight, x.Size(^1));
        if (bias is not null) Expect.Shape(op, nameof(bias), bias, x.Size(^1));
    }

    /// <summary>Voxels of a sample of x [N, .., C].</summary>
    public static long Spatial(Tensor x) => x.Shape[1..^1].Count;

    /// <summary>By the statistics of x: of what was measured where it was made, or taken now.</summary>
    public static Tensor Normalize(
        string op, NormShape shape, Tensor x, Tensor? weight, Tensor? bias, float eps, Activation activation,
        RunningView running = default)
    {
        Tensor mean = x.Session.Empty([shape.Statistics]), variance = x.Session.Empty([shape.Statistics]);
        View moments = Moments(shape, x);
        if (moments.IsNone) x.Session.Device.Normalization.Statistics(shape, x.View, mean.View, variance.View);
        return Normalize(
            op, shape, x, moments, mean, variance, fixedStatistics: false, weight, bias, eps, activation, running);
    }

    /// <summary>By given statistics, which are constants.</summary>
    public static Tensor Normalize(
        string op, NormShape shape, Tensor x, Tensor mean, Tensor variance, Tensor? weight, Tensor? bias, float eps,
        Activation activation) => Normalize(
        op, shape, x, default, mean, variance, fixedStatistics: true, weight, bias, eps, activation, default);

    /// <summary>Moments of x that are those of this norm; none where it was not measured so.</summary>
    static View Moments(NormShape shape, Tensor x)
    {
        Measure wanted = shape.Groups != shape.Channels ? Measure.Nothing
            : shape.AcrossBatch ? Measure.Batch
            : Measure.Samples;
        return x.Measured is { } measured && measured.Of == wanted ? measured.Moments.View : default;
    }

    /// <summary>Mean and variance are those of the moments, where there are some, and written first.</summary>
    static Tensor Normalize(
        string op, NormShape shape, Tensor x, View moments, Tensor mean, Tensor variance, bool fixedStatistics,
        Tensor? weight, Tensor? bias, float eps, Activation activation, RunningView running)
    {
        Session session = x.Session;
        INormalization kernels = session.Device.Normalization;
        Tensor? y = activation == Activation.Relu
            ? DeferredNorm.TryMake(shape, eps, x, moments, mean, variance, weight, bias, running)
            : null;
        if (y is null)
        {
            if (!moments.IsNone)
                session.Device.FusedNormalization!.Statistics(shape, moments, mean.View, variance.View);
            y = session.Empty(x.Shape);
            kernels.Normalize(
                shape, eps, x.View, mean.View, variance.View, weight?.View ?? default, bias?.View ?? default,
                activation, y.View);
            if (!running.IsNone) kernels.UpdateRunning(shape, mean.View, variance.View, running);
        }
        return y.Record(op, [x, weight, bias], keep: [x, mean, variance, weight, bias], backward: g =>
        {
            Tensor input = g.Kept(0);
            Tensor? dx = g.Wants(0) ? session.Empty(input.Shape) : null;
            Tensor? dWeight = g.Wants(1) ? session.Empty([shape.Channels]) : null;
            Tensor? dBias = g.Wants(2) ? session.Empty([shape.Channels]) : null;
            View weights = g.KeptOrNull(3)?.View ?? default, biases = g.KeptOrNull(4)?.View ?? default;
            View ofX = dx?.View ?? default, ofWeight = dWeight?.View ?? default, ofBias = dBias?.View ?? default;
            if (activation == Activation.Relu && g.OfResult.DeferredGradient is { } deferred && deferred.Fits(shape))
                session.Device.FusedNormalization!.Backward(
                    shape, eps, input.View, g.Kept(1).View, g.Kept(2).View, weights, biases, fixedStatistics,
                    deferred.View, ofX, ofWeight, ofBias);
            else
                kernels.Backward(
                    shape, eps, input.View, g.Kept(1).View, g.Kept(2).View, weights, biases, activation,
                    fixedStatistics, g.OfResult.View, ofX, ofWeight, ofBias);
            if (dx is not null)
            {
                dx.SumsToZero = !fixedStatistics && shape.Groups == shape.Channels;
                g.Add(0, dx);
            }
            if (dWeight is not null) g.Add(1, dWeight);
            if (dBias is not null) g.Add(2, dBias);
        });
    }
}
