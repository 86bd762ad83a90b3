namespace Cfr.Kernels.Cuda;

/// <summary>Softmax attention: <see cref="FlashForward"/>, <see cref="FlashBackward"/>, and <see cref="NaiveAttention"/>.</summary>
sealed class GpuAttention(GpuDevice gpu) : IAttention
{
    static readonly Kernel<AttentionArguments> Statistics = new("attention_statistics_naive", NaiveAttention.Statistics);
    static readonly Kernel<AttentionArguments> Output = new("attention_output_naive", NaiveAttention.Output);
    static readonly Kernel<AttentionArguments> Delta = new("attention_delta_naive", NaiveAttention.Delta);
    static readonly Kernel<AttentionArguments> QueryGradient =
        new("attention_query_gradient_naive", NaiveAttention.QueryGradient);
    static readonly Kernel<AttentionArguments> KeyAndValueGradient =
        new("attention_key_value_gradient_naive", NaiveAttention.KeyAndValueGradient);
    static readonly Kernel<AttentionArguments> HeightGradient =
        new("attention_height_gradient_naive", NaiveAttention.HeightGradient);
    static readonly Kernel<AttentionArguments> WidthGradient =
        new("attention_width_gradient_naive", NaiveAttention.WidthGradient);

    readonly FlashForward _flash = new(gpu);
    readonly FlashBackward _backward = new(gpu);

    public void Forward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp) =>
        Forward(Highest(shape, positions), shape, q, k, v, positions, y, logSumExp);

    public bool CanRound(AttentionShape shape, RelativePositions positions) =>
        gpu.Precision == Precision.BFloat16 && shape.Scale != 0
        && Highest(shape, positions) == AttentionRung.TensorCores;

    /// <summary>The rung that a shape is computed on.</summary>
    public AttentionRung Highest(AttentionShape shape, RelativePositions positions) =>
        _flash.Highest(shape, positions);

    /// <summary>The same on a chosen rung.</summary>
    public void Forward(
        AttentionRung rung, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y,
        View logSumExp)
    {
        DType type = q.Data.Type;
        bool canRead = k.Data.Type == type && v.Data.Type == type
            && (type == DType.Float32 || type == DType.BFloat16 && rung == AttentionRung.TensorCores);
        if (!canRead)
        {
            throw new ArgumentException(
                $"attention of q, k and v in {type}, {k.Data.Type} and {v.Data.Type}: all float32, or bfloat16 where it can round");
        }
        if (rung == AttentionRung.TensorCores)
            _flash.TensorCores(shape, q, k, v, positions, y, logSumExp);
        else if (rung == AttentionRung.SharedMemory)
            _flash.SharedMemory(shape, q, k, v, positions, y, logSumExp);
        else
            NaiveForward(shape, q, k, v, positions, y, logSumExp);
    }

    void NaiveForward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp)
    {
        long queries = (long)shape.Batch * shape.Heads * shape.Queries;
        DeviceBuffer? scratch = logSumExp.IsNone ? gpu.Allocate(DType.Float32, queries) : null;
        AttentionArguments arguments = Arguments(shape, q, k, v, positions, y, scratch?.Address ?? logSumExp.Address);
        gpu.LaunchOver(Statistics, arguments, queries);
        gpu.LaunchOver(Output, arguments, queries * shape.HeadWidth);
        scratch?.Release();
    }

    public void Backward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        AttentionRung rung = HighestBackward(shape);
        Backward(rung, shape, q, k, v, positions, y, logSumExp, dy, dq, dk, dv, dPositions);
    }

    /// <summary>The rung that a shape's gradients are computed on.</summary>
    public AttentionRung HighestBackward(AttentionShape shape) => _backward.Highest(shape);

    /// <summary>The same on a chosen rung.</summary>
    public void Backward(
        AttentionRung rung, AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y,
        View logSumExp, Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        OutsideGradient keys = new(gpu, shape, dk), values = new(gpu, shape, dv);
        (dk, dv) = (keys.Tokens, values.Tokens);
        if (rung == AttentionRung.Naive)
            NaiveBackward(shape, q, k, v, positions, y, logSumExp, dy, dq, dk, dv, dPositions);
        else
            _backward.Run(rung, shape, q, k, v, positions, y, logSumExp, dy, dq, dk, dv, dPositions);
        keys.AddUp(gpu);
        values.AddUp(gpu);
    }

    void NaiveBackward(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, View logSumExp,
        Tokens dy, Tokens dq, Tokens dk, Tokens dv, RelativePositions dPositions)
    {
        long rows = (long)shape.Batch * shape.Heads, queries = rows * shape.Queries, keys = rows * shape.Keys;
        DeviceBuffer delta = gpu.Allocate(DType.Float32, queries);
        AttentionArguments arguments = Arguments(shape, q, k, v, positions, y, logSumExp.Address) with
        {
            Dy = new TokenRows(dy),
            Dq = new TokenRows(dq),
            Dk = TokenRows.OfGradient(shape, dk),
            Dv = TokenRows.OfGradient(shape, dv),
            DHeight = dPositions.Height.Address,
            DWidth = dPositions.Width.Address,
            Delta = delta.Address,
        };
        gpu.LaunchOver(Delta, arguments, queries);
        gpu.LaunchOver(QueryGradient, arguments, queries * shape.HeadWidth);
        gpu.LaunchOver(KeyAndValueGradient, arguments, keys * shape.HeadWidth);
        gpu.LaunchOver(HeightGradient, arguments, dPositions.Height.Count);
        gpu.LaunchOver(WidthGradient, arguments, dPositions.Width.Count);
        delta.Release();
    }

    static AttentionArguments Arguments(
        AttentionShape shape, Tokens q, Tokens k, Tokens v, RelativePositions positions, Tokens y, nint logSumExp) => new()
        {
            Q = new TokenRows(q),
            K = new TokenRows(k),
            V = new TokenRows(v),
            Y = new TokenRows(y),
            Height = positions.Height.Address,
            Width = positions.Width.Address,
            LogSumExp = logSumExp,
            Batch = shape.Batch,
            Heads = shape.Heads,
            Queries = shape.Queries,
            Keys = shape.Keys,
            HeadWidth = shape.HeadWidth,
            GridHeight = shape.GridHeight,
            GridWidth = shape.GridWidth,
            Scale = shape.Scale,
            Windows = new WindowGrid(shape),
        };
}
