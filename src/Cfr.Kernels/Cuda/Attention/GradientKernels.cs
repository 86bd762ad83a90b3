namespace Cfr.Kernels.Cuda;

/// <summary>Both kernels for heads up to a width.</summary>
sealed record GradientKernel(
    int Width, Kernel<AttentionGradientArguments> Keys, Kernel<AttentionGradientArguments> Queries);

/// <summary>The kernels of a precision, narrowest first, and how their operands are packed.</summary>
sealed record GradientFamily(int ElementBytes, Kernel<AttentionPackArguments> Pack, GradientKernel[] Kernels)
{
    public IEnumerable<Kernel> All => Kernels.SelectMany(kernel => new Kernel[] { kernel.Keys, kernel.Queries });
}

/// <summary>
/// What there is of <see cref="KeyGradient"/> and <see cref="QueryGradient"/>. Factors that a block owns stay in
/// registers where heads are narrow enough. In float32 there is nothing for heads above 80: the registers are not enough
/// for their sums, and no network here has them.
/// </summary>
static class GradientKernels
{
    public static readonly GradientFamily BFloat16 = new(
        sizeof(ushort), AttentionPack.BFloat16,
        OnTensorCores<BFloat16Tile, HeldHalves16, HeldHalves16>("bfloat16"));

    public static readonly GradientFamily Tf32 = new(
        sizeof(float), AttentionPack.Tf32,
        OnTensorCores<Tf32Tile, HeldStrip16<Tf32Tile>, SharedStrip16<Tf32Tile>>("tf32"));

    public static readonly GradientFamily Float32 = new(
        sizeof(float), AttentionPack.Float32,
        [
            InFloat32<Float32Sums32>(),
            InFloat32<SumStrip<Float32Sums32, Float32Sums32>>(),
            InFloat32<SumStrip<SumStrip<Float32Sums32, Float32Sums32>, Float32Sums16>>(),
        ]);

    /// <summary>All of them, for the catalog.</summary>
    static readonly Kernel[] All = [.. BFloat16.All.Concat(Tf32.All).Concat(Float32.All)];

    /// <summary>Widths 32, 64, 80 and 128; the last one reads its own factors from shared memory.</summary>
    static GradientKernel[] OnTensorCores<TElement, TNarrow, TMiddle>(string precision)
        where TElement : struct, ITensorElement
        where TNarrow : unmanaged, IFactorStrip<TNarrow> where TMiddle : unmanaged, IFactorStrip<TMiddle> =>
        [
            Of<TElement, FactorStrip<TNarrow, TNarrow>, SumStrip32<TElement>>(precision, tensorCores: true),
            Of<TElement, FactorStrip<FactorStrip<TMiddle, TMiddle>, FactorStrip<TMiddle, TMiddle>>, SumStrip<SumStrip32<TElement>, SumStrip32<TElement>>>(
                precision, tensorCores: true),
            Of<TElement, FactorStrip<FactorStrip<FactorStrip<TMiddle, TMiddle>, FactorStrip<TMiddle, TMiddle>>, TMiddle>,
                SumStrip<SumStrip<SumStrip32<TElement>, SumStrip32<TElement>>, SumStrip16<TElement>>>(
                precision, tensorCores: true),
            Of<TElement, FactorStrip<FactorStrip<FactorStrip<SharedStrip16<TElement>, SharedStrip16<TElement>>,
                    FactorStrip<SharedStrip16<TElement>, SharedStrip16<TElement>>>, FactorStrip<FactorStrip<SharedStrip16<TElement>, SharedStrip16<TElement>>,
                    FactorStrip<SharedStrip16<TElement>, SharedStrip16<TElement>>>>,
                SumStrip<SumStrip<SumStrip32<TElement>, SumStrip32<TElement>>,
                    SumStrip<SumStrip32<TElement>, SumStrip32<TElement>>>>(precision, tensorCores: true),
        ];

    static GradientKernel InFloat32<TSums>() where TSums : unmanaged, ISumStrip<TSums> =>
        Of<Float32Tile, Float32Rows<TSums>, TSums>("float32", tensorCores: false);

    static GradientKernel Of<TElement, TOwn, TSums>(string precision, bool tensorCores)
        where TElement : struct, ITileElement where TOwn : unmanaged, IFactorStrip<TOwn>
        where TSums : unmanaged, ISumStrip<TSums>
    {
        int blocks = TSums.Blocks, width = blocks * HeadTile.Strip;
        return new GradientKernel(
            width,
            New($"attention_key_gradient_{precision}_{width}", KeyGradient.Run<TElement, TOwn, TSums>,
                KeyGradient.SharedBytes(blocks, TElement.ElementBytes, TOwn.AreHeld)),
            New($"attention_query_gradient_{precision}_{width}", QueryGradient.Run<TElement, TOwn, TSums>,
                QueryGradient.SharedBytes(blocks, TElement.ElementBytes, TOwn.AreHeld)));

        Kernel<AttentionGradientArguments> New(string name, Action<AttentionGradientArguments> body, int sharedBytes) =>
            new(name, body)
            {
                Threads = HeadTile.Threads,
                AnyBlock = false,
                BlocksPerMultiprocessor = tensorCores && width <= 64 ? 3 : 1,
                SharedBytes = sharedBytes,
                TensorCores = tensorCores,
            };
    }
}
