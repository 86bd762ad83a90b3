using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Layer norm (Ba 2016) over the last axis: y = n w + b, n = (x - mean) / sqrt(variance + eps), variance biased. With
/// channels last this is SAM's LayerNorm2d too.
///   x [.., C], w and b [C] or none -> y [.., C]
///   dx = (g - mean(g) - n mean(g n)) / sqrt(variance + eps), g = dy w      dw = sum dy n      db = sum dy
/// </summary>
public static class LayerNormOp
{
    /// <summary>Each row of the last axis, normalised, scaled by the weight and shifted by the bias.</summary>
    public static Tensor LayerNorm(this Tensor x, Tensor? weight = null, Tensor? bias = null, float eps = 1e-5f)
    {
        Session session = Session.Common(nameof(LayerNorm), x, weight, bias);
        Expect.Type(nameof(LayerNorm), nameof(x), x, DType.Float32);
        if (x.Rank == 0) throw Expect.Mismatch(nameof(LayerNorm), nameof(x), x, "[.., C]");
        int width = x.Size(^1);
        if (weight is not null) Expect.Shape(nameof(LayerNorm), nameof(weight), weight, width);
        if (bias is not null) Expect.Shape(nameof(LayerNorm), nameof(bias), bias, width);

        Shape leading = x.Shape[..^1];
        long rows = leading.Count;
        INormalization kernels = session.Device.Normalization;
        Tensor mean = session.Empty(leading), inverse = session.Empty(leading);
        bool isMeasured = false;
        Tensor y = DeferredOperand.Make(session, x.Shape, [x, weight, bias, mean, inverse], y =>
        {
            kernels.LayerForward(
                rows, width, eps, x.View, weight?.View ?? default, bias?.View ?? default, y, mean.View, inverse.View);
            isMeasured = true;
        });
        return y.Record(nameof(LayerNorm), [x, weight, bias], keep: [x, weight, mean, inverse], backward: g =>
        {
            Tensor input = g.Kept(0);
            // If nobody has read y.
            if (!isMeasured)
            {
                kernels.LayerForward(
                    rows, width, eps, input.View, default, default, session.Empty(input.Shape).View, g.Kept(2).View,
                    g.Kept(3).View);
            }
            Tensor? dWeight = g.Wants(1) ? session.Empty([width]) : null;
            Tensor? dBias = g.Wants(2) ? session.Empty([width]) : null;
            if (g.Wants(0))
                g.Add(0, input.Shape, Backward);
            else
                Backward(dx: default, accumulate: false);
            if (dWeight is not null) g.Add(1, dWeight);
            if (dBias is not null) g.Add(2, dBias);

            void Backward(View dx, bool accumulate) => kernels.LayerBackward(
                rows, width, input.View, g.KeptOrNull(1)?.View ?? default, g.Kept(2).View, g.Kept(3).View,
                g.OfResult.View, dx, dWeight?.View ?? default, dBias?.View ?? default, accumulate);
        });
    }
}
