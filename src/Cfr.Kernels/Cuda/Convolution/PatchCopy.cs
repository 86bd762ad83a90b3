using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="PatchCopy"/>.</summary>
struct PatchCopyArguments
{
    public long X, To;
    public Extent Input, Stride, Padding;
    public int Channels;

    /// <summary>Where outputs lie, and the first one of these.</summary>
    public VoxelGrid Outputs;
    public int First;

    /// <summary>Vectors of a voxel, and taps along W and H and in all.</summary>
    public Divisor Vectors, KernelW, KernelH, Taps;

    /// <summary>Vectors to copy.</summary>
    public int Items;
}

/// <summary>
/// Lays out what some outputs of a convolution read, a row an output: <c>patches [outputs, taps, channels]</c>, zeros
/// outside the input. A convolution is then a product of matrices. Bytes: 4 (or 2, in bfloat16) taps Cin an output,
/// written once and read once by the product; x is read taps / stride times, mostly from the caches. Where kernel and
/// stride are equal this is a mere rearrangement.
/// </summary>
static class PatchCopy
{
    static readonly Kernel<PatchCopyArguments> Elements = new("patches", Run<Lane, Float32Element>);
    static readonly Kernel<PatchCopyArguments> Packets = new("patches_packets", Run<FourLanes, Float32Element>);
    static readonly Kernel<PatchCopyArguments> HalfElements = new("patches_bfloat16", Run<Lane, BFloat16Element>);
    static readonly Kernel<PatchCopyArguments> HalfPackets =
        new("patches_bfloat16_packets", Run<FourLanes, BFloat16Element>);

    /// <summary>Copies the patches of outputs [first, first + rows), counted through the batch.</summary>
    public static void Launch(GpuDevice gpu, ConvolutionShape shape, View x, int first, int rows, View patches)
    {
        bool hasPackets = shape.InChannels % 4 == 0 && x.Address % 16 == 0, isHalf = patches.Type == DType.BFloat16;
        int vectors = hasPackets ? shape.InChannels / 4 : shape.InChannels;
        int items = checked((int)(rows * shape.Kernel.Voxels * vectors));
        gpu.LaunchOver(
            isHalf ? hasPackets ? HalfPackets : HalfElements : hasPackets ? Packets : Elements,
            new PatchCopyArguments
            {
                X = x.Address,
                To = patches.Address,
                Input = shape.Input,
                Stride = shape.Stride,
                Padding = shape.Padding,
                Channels = shape.InChannels,
                Outputs = new VoxelGrid(shape.Output, 1),
                First = first,
                Vectors = new Divisor(vectors),
                KernelW = new Divisor(shape.Kernel.W),
                KernelH = new Divisor(shape.Kernel.H),
                Taps = new Divisor(checked((int)shape.Kernel.Voxels)),
                Items = items,
            },
            items);
    }

    static void Run<V, TElement>(PatchCopyArguments a)
        where V : unmanaged, IDeviceVector<V> where TElement : struct, IElement
    {
        int threads = Grid.DimX * Group.DimX;
        for (int item = Grid.IdxX * Group.DimX + Group.IdxX; item < a.Items; item += threads)
        {
            int place = item / a.Vectors, vector = item - place * a.Vectors.Value;
            int row = place / a.Taps, tap = place - row * a.Taps.Value;
            int line = tap / a.KernelW, kw = tap - line * a.KernelW.Value;
            int kd = line / a.KernelH, kh = line - kd * a.KernelH.Value;
            VoxelPlace o = VoxelGrid.Locate(a.Outputs, a.First + row);
            int d = o.D * a.Stride.D + kd - a.Padding.D, h = o.H * a.Stride.H + kh - a.Padding.H;
            int w = o.W * a.Stride.W + kw - a.Padding.W;
            V x = V.Splat(0);
            if (d >= 0 && d < a.Input.D && h >= 0 && h < a.Input.H && w >= 0 && w < a.Input.W)
            {
                long voxel = (((long)o.Batch * a.Input.D + d) * a.Input.H + h) * a.Input.W + w;
                x = V.LoadFrom(a.X + (voxel * a.Channels + vector * V.Width) * sizeof(float));
            }
            long to = a.To + (long)item * (V.Width * TElement.Bytes);
            if (TElement.Bytes == sizeof(ushort))
                x.StoreHalves(to);
            else
                x.StoreTo(to);
        }
    }
}
