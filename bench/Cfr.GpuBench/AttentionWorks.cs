using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>
/// ViT-B's attention with relative positions, over the whole image and in windows. The backward pass wants the gradients
/// of q, k and v, as LoRA does; its five products are counted, not what is computed again.
/// </summary>
static class AttentionWorks
{
    const double ProductsOfBackwardPerForward = 2.5;

    public static IEnumerable<GpuWork> All => new[] { Square(1, 64), Square(25, 14) }.SelectMany(Passes);

    static AttentionShape Square(int batch, int side) =>
        new(batch, Heads: 12, side * side, side * side, HeadWidth: 64, Scale: 0.125f, side, side);

    static IEnumerable<GpuWork> Passes(AttentionShape shape)
    {
        string label = $"attention {shape.Batch}x{shape.Heads}x{shape.Queries}x{shape.HeadWidth}";
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
            (Q, K, V) = (Packed(packed, 0, shape), Packed(packed, 1, shape), Packed(packed, 2, shape));
            Y = Alone(x.Empty(DType.Float32, Count(shape)), shape);
            Positions = new RelativePositions(
                x.Random(DType.Float32, (2L * shape.GridHeight - 1) * shape.HeadWidth),
                x.Random(DType.Float32, (2L * shape.GridWidth - 1) * shape.HeadWidth));
        }

        public static long Count(AttentionShape shape) => (long)shape.Batch * shape.Queries * Width(shape);

        public static Tokens Packed(View data, int part, AttentionShape shape) => new(
            data.Slice(part * Width(shape)), 3 * Width(shape), 3 * Width(shape) * shape.Queries);

        public static Tokens Alone(View data, AttentionShape shape) => new(data, Width(shape), Width(shape) * shape.Queries);

        static long Width(AttentionShape shape) => (long)shape.Heads * shape.HeadWidth;
    }
}
