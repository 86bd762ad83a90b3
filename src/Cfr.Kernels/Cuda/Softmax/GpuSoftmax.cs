namespace Cfr.Kernels.Cuda;

/// <summary>
/// Softmax along rows: narrow ones (class scores) a row a thread, wider ones a row for some lanes of a warp, the
/// widest a row a block.
/// </summary>
sealed class GpuSoftmax(GpuDevice gpu) : ISoftmax
{
    const int WidestOfThread = 32;

    static readonly Kernel<SoftmaxArguments> NarrowForward = new("softmax_narrow", TileKernel.Apply<SoftmaxOfTile>);
    static readonly Kernel<SoftmaxArguments> NarrowLogForward =
        new("log_softmax_narrow", TileKernel.Apply<LogSoftmaxOfTile>);
    static readonly Kernel<SoftmaxArguments> NarrowBackward =
        new("softmax_backward_narrow", TileKernel.Apply<SoftmaxGradientOfTile>);
    static readonly Kernel<SoftmaxArguments> NarrowLogBackward =
        new("log_softmax_backward_narrow", TileKernel.Apply<LogSoftmaxGradientOfTile>);

    /// <summary>Lanes and floats, lanes and packets, block and floats, block and packets.</summary>
    static readonly Kernel<SoftmaxArguments>[] WideForward =
    [
        new("softmax", SoftmaxOfRows.Forward<LanesOfWarp, Lane>),
        new("softmax_packets", SoftmaxOfRows.Forward<LanesOfWarp, FourLanes>),
        new("softmax_wide", SoftmaxOfRows.Forward<WholeBlock, Lane>),
        new("softmax_wide_packets", SoftmaxOfRows.Forward<WholeBlock, FourLanes>),
    ];

    static readonly Kernel<SoftmaxArguments>[] WideLogForward =
    [
        new("log_softmax", SoftmaxOfRows.LogForward<LanesOfWarp, Lane>),
        new("log_softmax_packets", SoftmaxOfRows.LogForward<LanesOfWarp, FourLanes>),
        new("log_softmax_wide", SoftmaxOfRows.LogForward<WholeBlock, Lane>),
        new("log_softmax_wide_packets", SoftmaxOfRows.LogForward<WholeBlock, FourLanes>),
    ];

    static readonly Kernel<SoftmaxArguments>[] WideBackward =
    [
        new("softmax_backward", SoftmaxOfRows.Backward<LanesOfWarp, Lane>),
        new("softmax_backward_packets", SoftmaxOfRows.Backward<LanesOfWarp, FourLanes>),
        new("softmax_backward_wide", SoftmaxOfRows.Backward<WholeBlock, Lane>),
        new("softmax_backward_wide_packets", SoftmaxOfRows.Backward<WholeBlock, FourLanes>),
    ];

    static readonly Kernel<SoftmaxArguments>[] WideLogBackward =
    [
        new("log_softmax_backward", SoftmaxOfRows.LogBackward<LanesOfWarp, Lane>),
        new("log_softmax_backward_packets", SoftmaxOfRows.LogBackward<LanesOfWarp, FourLanes>),
        new("log_softmax_backward_wide", SoftmaxOfRows.LogBackward<WholeBlock, Lane>),
        new("log_softmax_backward_wide_packets", SoftmaxOfRows.LogBackward<WholeBlock, FourLanes>),
    ];

    public void Forward(long rows, int width, View x, View y) =>
        Launch(NarrowForward, WideForward, rows, width, x, default, y);

    public void Backward(long rows, int width, View y, View dy, View dx) =>
        Launch(NarrowBackward, WideBackward, rows, width, y, dy, dx);

    public void LogForward(long rows, int width, View x, View y) =>
        Launch(NarrowLogForward, WideLogForward, rows, width, x, default, y);

    public void LogBackward(long rows, int width, View y, View dy, View dx) =>
        Launch(NarrowLogBackward, WideLogBackward, rows, width, y, dy, dx);

    void Launch(
        Kernel<SoftmaxArguments> narrow, Kernel<SoftmaxArguments>[] wide, long rows, int width, View a, View b,
        View result)
    {
        if (rows * width == 0) return;
        var plan = new RowPlan(width, a, b, result);
        var arguments = new SoftmaxArguments
        {
            Rows = rows,
            A = a.Address,
            B = b.Address,
            Result = result.Address,
            Width = width,
            Vectors = plan.Vectors,
            Lanes = plan.Lanes,
        };
        if (width > WidestOfThread)
        {
            Kernel<SoftmaxArguments> kernel = plan.Of(wide);
            gpu.Launch(kernel, arguments, plan.Blocks(gpu, kernel, rows));
            return;
        }
        int rowsOfTile = RowTile.Rows(gpu.BlockSize(narrow), width);
        gpu.Launch(narrow, arguments, (int)Math.Min((rows + rowsOfTile - 1) / rowsOfTile, gpu.FullGrid));
    }
}
