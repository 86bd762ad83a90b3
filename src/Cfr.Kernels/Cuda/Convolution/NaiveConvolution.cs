using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="NaiveConvolution"/>; each form knows which of x, w and y it writes.</summary>
struct ConvolutionArguments
{
    public long X, W, Bias, Y;

    /// <summary>Elements that are written.</summary>
    public int Items;

    /// <summary>Where an element lies: outputs (forward), inputs (input gradient).</summary>
    public VoxelGrid Grid;
    public ConvolutionShape Shape;
}

/// <summary>
/// Convolution, rung 1: one thread an element of the result, no re-use. With i = o Stride + k - Padding along each axis:
///   y[o, m]  = act(bias[m] + sum over k, c of x[i, c] w[k, c, m])
///   dx[i, c] = act(bias[c] + sum over k, m of dy[o, m] w[k, c, m])
///   dw[k, c, m] = sum over o of x[i, c] dy[o, m]
/// FLOP 2 for 8 bytes of loads, all from the caches.
/// </summary>
static unsafe class NaiveConvolution
{
    public static void Forward<TActivation>(ConvolutionArguments a) where TActivation : struct, IActivation
    {
        float* x = (float*)a.X, weight = (float*)a.W, bias = (float*)a.Bias, y = (float*)a.Y;
        ConvolutionShape s = a.Shape;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Items; item += threads)
        {
            VoxelPlace o = VoxelGrid.Locate(a.Grid, item);
            float sum = a.Bias == 0 ? 0 : bias[o.Channel];
            for (int kd = 0; kd < s.Kernel.D; kd++)
                for (int kh = 0; kh < s.Kernel.H; kh++)
                    for (int kw = 0; kw < s.Kernel.W; kw++)
                    {
                        int d = o.D * s.Stride.D + kd - s.Padding.D, h = o.H * s.Stride.H + kh - s.Padding.H;
                        int w = o.W * s.Stride.W + kw - s.Padding.W;
                        if (d < 0 || d >= s.Input.D || h < 0 || h >= s.Input.H || w < 0 || w >= s.Input.W) continue;
                        long voxel = (((long)o.Batch * s.Input.D + d) * s.Input.H + h) * s.Input.W + w;
                        long tap = (kd * s.Kernel.H + kh) * s.Kernel.W + kw;
                        float* inputs = x + voxel * s.InChannels;
                        float* weights = weight + tap * s.InChannels * s.OutChannels + o.Channel;
                        for (int c = 0; c < s.InChannels; c++)
                            sum = Ptx.MultiplyAdd(inputs[c], weights[c * s.OutChannels], sum);
                    }
            y[item] = TActivation.Apply(new Lane(sum)).Value;
        }
    }

    public static void InputGradient<TActivation>(ConvolutionArguments a) where TActivation : struct, IActivation
    {
        float* dx = (float*)a.X, weight = (float*)a.W, bias = (float*)a.Bias, dy = (float*)a.Y;
        ConvolutionShape s = a.Shape;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Items; item += threads)
        {
            VoxelPlace i = VoxelGrid.Locate(a.Grid, item);
            float sum = a.Bias == 0 ? 0 : bias[i.Channel];
            for (int kd = 0; kd < s.Kernel.D; kd++)
                for (int kh = 0; kh < s.Kernel.H; kh++)
                    for (int kw = 0; kw < s.Kernel.W; kw++)
                    {
                        // The output that reads this input through the tap, if there is one.
                        int d = i.D + s.Padding.D - kd, h = i.H + s.Padding.H - kh, w = i.W + s.Padding.W - kw;
                        if (d < 0 || h < 0 || w < 0) continue;
                        if (d % s.Stride.D != 0 || h % s.Stride.H != 0 || w % s.Stride.W != 0) continue;
                        (d, h, w) = (d / s.Stride.D, h / s.Stride.H, w / s.Stride.W);
                        if (d >= s.Output.D || h >= s.Output.H || w >= s.Output.W) continue;
                        long voxel = (((long)i.Batch * s.Output.D + d) * s.Output.H + h) * s.Output.W + w;
                        long tap = (kd * s.Kernel.H + kh) * s.Kernel.W + kw;
                        float* gradients = dy + voxel * s.OutChannels;
                        float* weights = weight + (tap * s.InChannels + i.Channel) * s.OutChannels;
                        for (int m = 0; m < s.OutChannels; m++)
                            sum = Ptx.MultiplyAdd(gradients[m], weights[m], sum);
                    }
            dx[item] = TActivation.Apply(new Lane(sum)).Value;
        }
    }

    public static void WeightGradient(ConvolutionArguments a)
    {
        float* x = (float*)a.X, dw = (float*)a.W, dy = (float*)a.Y;
        ConvolutionShape s = a.Shape;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Items; item += threads)
        {
            int m = item % s.OutChannels, c = item / s.OutChannels % s.InChannels;
            int tap = item / s.OutChannels / s.InChannels;
            int kw = tap % s.Kernel.W, kh = tap / s.Kernel.W % s.Kernel.H, kd = tap / s.Kernel.W / s.Kernel.H;
            float sum = 0;
            for (int row = 0; row < s.Batch * s.Output.D * s.Output.H; row++)
            {
                int oh = row % s.Output.H, od = row / s.Output.H % s.Output.D, batch = row / s.Output.H / s.Output.D;
                int d = od * s.Stride.D + kd - s.Padding.D, h = oh * s.Stride.H + kh - s.Padding.H;
                if (d < 0 || d >= s.Input.D || h < 0 || h >= s.Input.H) continue;
                float* inputs = x + (((long)batch * s.Input.D + d) * s.Input.H + h) * s.Input.W * s.InChannels + c;
                float* gradients = dy + (long)row * s.Output.W * s.OutChannels + m;
                for (int ow = 0; ow < s.Output.W; ow++)
                {
                    int w = ow * s.Stride.W + kw - s.Padding.W;
                    if (w < 0 || w >= s.Input.W) continue;
                    sum = Ptx.MultiplyAdd(inputs[(long)w * s.InChannels], gradients[(long)ow * s.OutChannels], sum);
                }
            }
            dw[item] = sum;
        }
    }
}
