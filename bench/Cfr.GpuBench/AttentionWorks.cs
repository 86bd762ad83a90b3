using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>
/// ViT-B's attention with relative positions, over the whole image, of windows, and in windows that are cut out of an image
/// and hang over its edges. The backward pass wants the gradients of q, k and v, as LoRA does; its five products are counted,
/// not what is computed again.
/// </summary>
static class AttentionWorks
{
    const double ProductsOfBackwardPerForward = 2.5;

    public static IEnumerable<GpuWork> All => new[]
    {
        Square(1, 64), Square(25, 14), Square(25, 14) with { Image = new TokenImage(64, 64) },
    }.SelectMany(Passes);

    static AttentionShape Square(int batch, int side) =>
        new(batch, Heads: 12, side * side, side * side, HeadWidth: 64, Scale: 0.125f, side, side);

    static IEnumerable<GpuWork> Passes(AttentionShape shape)
    {
        string label = shape.IsWindowed
            ? $"attention in windows {shape.Images}x{shape.Heads}x{shape.Image.Height}x{shape.Image.Width}x{shape.HeadWidth}"
            : $"attention {shape.Batch}x{shape.Heads}x{shape.Queries}x{shape.HeadWidth}";
        double tensor = 4.0 * Of.Count(shape);
        yield return new GpuWork($"{label} forward bf16", Precision.BFloat16, shape.Flop, 4 * tensor, x =>
        {
            var of = new Of(x, shape);
            return () => x.Device.Attention.Forward(shape, of.Q, of.K, of.V, of.Positions, of.Y, default);
        });
        yield return new GpuWork(
            $"{label} backward bf16", Precision.BFloat16, ProductsOfBackwardPerForward * shape.Flop, 8 * tensor, x =>
            {
                var of = new Of(x, shape);
                View logSumExp = x.Empty(DType.Float32, (long)shape.Batch * shape.Heads * shape.Queries);
                x.Device.Attention.Forward(shape, of.Q, of.K, of.V, of.Positions, of.Y, logSumExp);
                Tokens dy = Of.Alone(x.Random(DType.Float32, Of.Count(shape)), shape);
                View gradients = x.Empty(DType.Float32, 3 * Of.Count(shape));
                Tokens dq = Of.Packed(gradients, 0, shape), dk = Of.Packed(gradients, 1, shape), dv = Of.Packed(gradients, 2, shape);
                return () => x.Device.Attention.Backward(
                    shape, of.Q, of.K, of.V, of.Positions, of.Y, logSumExp, dy, dq, dk, dv, default);
            });
    }

    /// <summary>Operands: q, k and v side by side, as a linear layer leaves them.</summary>
    sealed class Of
    {
        public readonly Tokens Q, K, V, Y;
        public readonly RelativePositions Positions;

        public Of(Operands x, AttentionShape shape)
        {
            View packed = x.Random(DType.Float32, 3 * Count(shape));
            View outside = shape.IsWindowed ? x.Random(DType.Float32, Width(shape)) : default;
            Q = Packed(packed, 0, shape);
            (K, V) = (Packed(packed, 1, shape) with { Outside = outside }, Packed(packed, 2, shape) with { Outside = outside });
            Y = Alone(x.Empty(DType.Float32, Count(shape)), shape);
            Positions = new RelativePositions(
                x.Random(DType.Float32, (2L * shape.GridHeight - 1) * shape.HeadWidth),
                x.Random(DType.Float32, (2L * shape.GridWidth - 1) * shape.HeadWidth));
        }

        public static long Count(AttentionShape shape) => shape.Results * Width(shape);

        public static Tokens Packed(View data, int part, AttentionShape shape) => new(
            data.Slice(part * Width(shape)), 3 * Width(shape), 3 * Width(shape) * Tokens(shape));

        public static Tokens Alone(View data, AttentionShape shape) => new(data, Width(shape), Width(shape) * Tokens(shape));

        /// <summary>Of a batch entry, or of an image.</summary>
        static long Tokens(AttentionShape shape) => shape.Results / shape.Images;

        static long Width(AttentionShape shape) => (long)shape.Heads * shape.HeadWidth;
    }
}
