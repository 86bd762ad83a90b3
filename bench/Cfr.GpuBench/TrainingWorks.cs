using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>The loss of V-Net, and a step of AdamW over the weights of ViT-B.</summary>
static class TrainingWorks
{
    const long Rows = 4L * 112 * 112 * 80;
    const int Classes = 2;

    static readonly SegmentationLossShape Loss = new(Rows, Classes, 0.5f, 0.5f, 1e-5f, 1, 255);

    public static IEnumerable<GpuWork> All =>
    [
        new("dice+ce 4x112x112x80, 2 classes", Precision.Float32, 0, Rows * 4.0 * (Classes + 1), x =>
        {
            var of = new OfLoss(x);
            return () => x.Device.Losses.SegmentationForward(Loss, of.Logits, of.Labels, of.Values, of.Sums);
        }),
        new("dice+ce backward 4x112x112x80, 2 classes", Precision.Float32, 0, Rows * 4.0 * (2 * Classes + 1), x =>
        {
            var of = new OfLoss(x);
            x.Device.Losses.SegmentationForward(Loss, of.Logits, of.Labels, of.Values, of.Sums);
            View one = x.Random(DType.Float32, 1), gradient = x.Empty(DType.Float32, Rows * Classes);
            return () => x.Device.Losses.SegmentationBackward(Loss, of.Logits, of.Labels, of.Sums, one, gradient);
        }),
        new("adamw 85 M parameters", Precision.Float32, 0, 28.0 * Sizes.Sum(), x =>
        {
            AdamWSlot[] slots =
            [
                .. Sizes.Select(n => new AdamWSlot(
                    x.Random(DType.Float32, n), x.Random(DType.Float32, n), x.Random(DType.Float32, n), x.Zeros(n))),
            ];
            return () => x.Device.Optimizers.AdamW(new AdamWStep(1e-3f, 0.9f, 0.999f, 1e-8f, 0.1f, 1), slots);
        }),
    ];

    /// <summary>12 blocks of these tensors.</summary>
    static readonly long[] Sizes =
    [
        .. Enumerable.Repeat(
            (long[])[768 * 2304, 2304, 768 * 768, 768, 768 * 3072, 3072, 3072 * 768, 768, 768, 768, 768, 768], 12).SelectMany(s => s),
    ];

    sealed class OfLoss(Operands x)
    {
        public readonly View Logits = x.Random(DType.Float32, Rows * Classes), Labels = x.Labels(Rows, Classes);
        public readonly View Values = x.Empty(DType.Float32, 3), Sums = x.Empty(DType.Float32, 2 + 3 * Classes);
    }
}
