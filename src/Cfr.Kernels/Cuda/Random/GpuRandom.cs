namespace Cfr.Kernels.Cuda;

/// <summary>Random numbers and dropout: the numbers of the processor, bit for bit where no function rounds.</summary>
sealed class GpuRandom(GpuDevice gpu, GpuElementWise elementWise) : IRandom
{
    static readonly Kernel<DrawArguments> UniformKernel = new("uniform", DrawKernel.Run<DrawUniform>);
    static readonly Kernel<DrawArguments> NormalKernel = new("normal", DrawKernel.Run<DrawNormal>);
    static readonly Kernel<DrawArguments> DropoutKernel = new("dropout", DrawKernel.Run<DrawDropout>);
    static readonly Kernel<DrawArguments> MaskKernel = new("dropout_mask", DrawKernel.Run<DrawMask>);

    public void Uniform(RandomKey key, View y, float low, float high) =>
        Draw(UniformKernel, key, default, y, high - low, low);

    public void Normal(RandomKey key, View y, float mean, float deviation) =>
        Draw(NormalKernel, key, default, y, deviation, mean);

    public void Dropout(RandomKey key, float rate, long outer, long middle, long inner, View x, View y)
    {
        if (y.Count == 0) return;
        float scale = 1 / (1 - rate);
        if (middle == 1)
        {
            Draw(DropoutKernel, key, x, y, rate, scale);
            return;
        }
        DeviceBuffer buffer = gpu.Allocate(DType.Float32, outer * inner);
        var mask = new View(buffer.Address, outer * inner, DType.Float32);
        Draw(MaskKernel, key, default, mask, rate, scale);
        elementWise.Keep(new Broadcast(outer, middle, inner, inner, 0, 1), x, mask, y);
        buffer.Release();
    }

    void Draw(Kernel<DrawArguments> kernel, RandomKey key, View x, View y, float p, float q)
    {
        int blocks = checked((int)((y.Count + Philox.Words - 1) / Philox.Words));
        gpu.LaunchOver(
            kernel,
            new DrawArguments
            {
                X = x.Address,
                Y = y.Address,
                Seed = key.Seed,
                Stream = key.Stream,
                Origin = key.Origin.Address,
                Blocks = blocks,
                Count = y.Count,
                Aligned = Packets.Of(y.Count, x, y) > 0 ? 1 : 0,
                P = p,
                Q = q,
            },
            blocks);
    }
}
