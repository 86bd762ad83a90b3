using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>SAM's layer norm, and batch norm with ReLU of V-Net's full resolution.</summary>
static class NormWorks
{
    const int Rows = 65536, Width = 768, Samples = 4, Channels = 16;
    const long Voxels = 112 * 112 * 80, Count = Samples * Voxels * Channels;
    const double Layer = 4.0 * Rows * Width, Volumes = 4.0 * Count;

    static readonly NormShape PerChannel = NormShape.PerChannel(Samples, Voxels, Channels);

    public static IEnumerable<GpuWork> All =>
    [
        new($"layer norm {Rows}x{Width}", Precision.Float32, 0, 2 * Layer, x =>
        {
            var of = new OfLayer(x);
            return () => x.Device.Normalization.LayerForward(
                Rows, Width, 1e-5f, of.X, of.Weight, of.Bias, of.Result, of.Mean, of.Deviation);
        }),
        new($"layer norm backward {Rows}x{Width}", Precision.Float32, 0, 3 * Layer, x =>
        {
            var of = new OfLayer(x);
            View dy = x.Random(DType.Float32, Rows * (long)Width);
            View dWeight = x.Empty(DType.Float32, Width), dBias = x.Empty(DType.Float32, Width);
            return () => x.Device.Normalization.LayerBackward(
                Rows, Width, of.X, of.Weight, of.Mean, of.Deviation, dy, of.Result, dWeight, dBias);
        }),
        new("batch norm+relu 4x112x112x80x16", Precision.Float32, 0, 3 * Volumes, x =>
        {
            var of = new OfVolumes(x);
            return () =>
            {
                x.Device.Normalization.Statistics(PerChannel, of.X, of.Mean, of.Variance);
                x.Device.Normalization.Normalize(
                    PerChannel, 1e-5f, of.X, of.Mean, of.Variance, of.Weight, of.Bias, Activation.Relu, of.Result);
            };
        }),
        new("batch norm+relu backward 4x112x112x80x16", Precision.Float32, 0, 5 * Volumes, x =>
        {
            var of = new OfVolumes(x);
            View dy = x.Random(DType.Float32, Count);
            View dWeight = x.Empty(DType.Float32, Channels), dBias = x.Empty(DType.Float32, Channels);
            return () => x.Device.Normalization.Backward(
                PerChannel, 1e-5f, of.X, of.Mean, of.Variance, of.Weight, of.Bias, Activation.Relu, false, dy, of.Result,
                dWeight, dBias);
        }),
    ];

    /// <summary>Operands of a layer norm; random numbers stand for the mean and the deviation, which cost the same.</summary>
    sealed class OfLayer(Operands x)
    {
        public readonly View X = x.Random(DType.Float32, Rows * (long)Width), Result = x.Empty(DType.Float32, Rows * (long)Width);
        public readonly View Weight = x.Random(DType.Float32, Width), Bias = x.Random(DType.Float32, Width);
        public readonly View Mean = x.Random(DType.Float32, Rows), Deviation = x.Random(DType.Float32, Rows);
    }

    /// <summary>Operands of a batch norm.</summary>
    sealed class OfVolumes(Operands x)
    {
        public readonly View X = x.Random(DType.Float32, Count), Result = x.Empty(DType.Float32, Count);
        public readonly View Weight = x.Random(DType.Float32, Channels), Bias = x.Random(DType.Float32, Channels);
        public readonly View Mean = x.Zeros(Channels), Variance = x.Zeros(Channels);
    }
}
