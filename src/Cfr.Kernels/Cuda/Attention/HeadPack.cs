namespace Cfr.Kernels.Cuda;

/// <summary>
/// Heads apart, for <see cref="KeyGradient"/> and <see cref="QueryGradient"/>: what <see cref="AttentionPack"/> makes,
/// with chunks in their order.
/// </summary>
static class HeadPack
{
    const int ChunkBytes = 16, LargestGridZ = 65535;

    /// <summary>[Batch, Heads, Tokens, width] in scratch memory, to be released after the launches that read it.</summary>
    public static DeviceBuffer Copy(
        GpuDevice gpu, AttentionShape shape, Kernel<AttentionPackArguments> kernel, Tokens from, int tokens,
        int rowBytes)
    {
        int images = shape.Batch * shape.Heads, chunks = rowBytes / ChunkBytes, threads = gpu.BlockSize(kernel);
        DeviceBuffer packed = gpu.Pool.Rent((long)images * tokens * rowBytes);
        int across = (int)Math.Min(((long)tokens * chunks + threads - 1) / threads, gpu.FullGrid);
        gpu.Launch(
            kernel,
            new AttentionPackArguments
            {
                First = new PackedOperand
                {
                    From = new TokenRows(from),
                    To = packed.Address,
                    Tokens = tokens,
                    Factor = 1,
                },
                Images = images,
                HeadWidth = shape.HeadWidth,
                RowBytes = rowBytes,
                Packed = TokenRows.HavePackets(shape, DType.Float32, new TokenRows(from)) ? 1 : 0,
                InOrder = 1,
                Heads = new Divisor(shape.Heads),
                Chunks = new Divisor(chunks),
                Windows = new WindowGrid(shape),
            },
            across, 1, Math.Clamp(gpu.FullGrid / across, 1, Math.Min(images, LargestGridZ)));
        return packed;
    }
}
