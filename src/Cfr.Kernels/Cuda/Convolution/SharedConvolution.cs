using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Convolution, rung 2: the box of inputs and the weights of <see cref="HaloConvolution"/> in shared memory, and a thread
/// for each output. What the naive form fetches 27 times from the caches comes once, but nothing stays in registers: four
/// multiply-adds take five loads from shared memory, which is the bound, a fifth of the float32 rate.
/// <code>a block: 2 x 8 voxels x 16 channels, from KD x 4 x 10 voxels</code>
/// </summary>
static class SharedConvolution
{
    const int Height = 2, Width = 8, Columns = 16, Threads = Height * Width * Columns, MostPlanes = 3;
    const int InputHeight = Height + HaloLoad.Halo, InputWidth = Width + HaloLoad.Halo;
    const int LineBytes = InputWidth * HaloLoad.RowBytes, BoxBytes = MostPlanes * InputHeight * LineBytes;
    const int TapBytes = PackedWeights.BlockBytes, ChannelBytes = Columns * sizeof(float);

    public static readonly HaloKernel Halo = new(
        new Extent(1, Height, Width), MostPlanes, Columns, HaloLoad.Channels(sizeof(float)),
        new Kernel<HaloArguments>("convolution_shared", Run)
        {
            Threads = Threads,
            AnyBlock = false,
            SharedBytes = BoxBytes + MostPlanes * HaloConvolution.Taps * HaloConvolution.Taps * TapBytes,
        },
        PackedWeights.Float32);

    static unsafe void Run(HaloArguments a)
    {
        var shared = SharedBytes.Dynamic();
        int thread = Group.IdxX, box = Grid.IdxX / a.Groups, group = Grid.IdxX - box * a.Groups.Value;
        int row = box / a.BoxesW, plane = row / a.BoxesH, batch = plane / a.BoxesD;
        int d = plane - batch * a.BoxesD.Value, h = (row - plane * a.BoxesH.Value) * Height;
        int w = (box - row * a.BoxesW.Value) * Width;
        var input = new VoxelPlace { Batch = batch, D = d - a.Padding.D, H = h - a.Padding.H, W = w - a.Padding.W };
        int weightBytes = a.KernelD * a.KernelW * HaloConvolution.Taps * TapBytes;
        long weights = a.Weights + (long)group * a.Chunks * weightBytes;
        int column = thread % Columns, voxel = thread / Columns, ofLine = voxel / Width, ofRow = voxel % Width;
        float sum = 0;
        for (int chunk = 0; chunk < a.Chunks; chunk++, weights += weightBytes)
        {
            if (chunk > 0) Group.Barrier();
            for (int at = thread * 16; at < weightBytes; at += Threads * 16)
                Ptx.CopyAsync16(shared, BoxBytes + (uint)at, weights + at, 16);
            Ptx.CommitCopies();
            HaloLoad.Run<Float32Halo>(
                shared, 0, a.X, input, a.KernelD, InputHeight, Width, HaloLoad.Halo, thread, Threads);
            Ptx.WaitForCopies();
            Group.Barrier();
            uint tap = (uint)(BoxBytes + column * sizeof(float));
            for (int kd = 0; kd < a.KernelD; kd++)
                for (int kw = 0; kw < a.KernelW; kw++)
                    for (int kh = 0; kh < HaloConvolution.Taps; kh++, tap += TapBytes)
                    {
                        uint line = (uint)((kd * InputHeight + ofLine + kh) * LineBytes);
                        Float4 x = shared.Load4(line + Swizzle.Thin(ofRow + kw, 0));
                        sum = AddProducts(shared, sum, x, tap);
                        x = shared.Load4(line + Swizzle.Thin(ofRow + kw, 1));
                        sum = AddProducts(shared, sum, x, tap + 4 * ChannelBytes);
                    }
            input.Channel += HaloLoad.Channels(sizeof(float));
        }
        h += ofLine;
        w += ofRow;
        int channel = group * Columns + column;
        if (h >= a.Output.H || w >= a.Output.W || channel >= a.OutChannels) return;
        if (a.Bias != 0) sum += ((float*)a.Bias)[channel];
        long place = (((long)batch * a.Output.D + d) * a.Output.H + h) * a.Output.W + w;
        ((float*)a.Y)[place * a.OutChannels + channel] = sum;
    }

    /// <summary>Adds four input channels.</summary>
    static float AddProducts(SharedBytes shared, float sum, Float4 x, uint weights)
    {
        sum = Ptx.MultiplyAdd(x.X, Ptx.AsFloat(shared.Load(weights)), sum);
        sum = Ptx.MultiplyAdd(x.Y, Ptx.AsFloat(shared.Load(weights + ChannelBytes)), sum);
        sum = Ptx.MultiplyAdd(x.Z, Ptx.AsFloat(shared.Load(weights + 2 * ChannelBytes)), sum);
        return Ptx.MultiplyAdd(x.W, Ptx.AsFloat(shared.Load(weights + 3 * ChannelBytes)), sum);
    }
}
