namespace Cfr.Kernels.Cuda;

/// <summary>Segmentation losses: see <see cref="SegmentationLoss"/>.</summary>
sealed class GpuLosses(GpuDevice gpu) : ILosses
{
    static readonly Kernel<SegmentationArguments> Sums = new("segmentation_sums", SegmentationLoss.Sums);
    static readonly Kernel<SegmentationArguments> Values = new("segmentation_values", SegmentationLoss.Values)
    {
        Threads = BlockReduce.WarpSize,
    };
    static readonly Kernel<SegmentationArguments> Coefficients =
        new("segmentation_coefficients", SegmentationLoss.Coefficients);
    static readonly Kernel<SegmentationArguments> Gradient = new("segmentation_gradient", SegmentationLoss.Gradient);

    public void SegmentationForward(SegmentationLossShape shape, View logits, View labels, View values, View sums)
    {
        SegmentationArguments arguments = Arguments(shape, logits, labels, sums);
        int width = 2 + 3 * shape.Classes, threads = gpu.BlockSize(Sums), blocks = Blocks(Sums, shape);
        arguments.Stride = (width + 3) / 4 * 4;
        DeviceBuffer partials = gpu.Pool.Rent((long)blocks * arguments.Stride * sizeof(float));
        (arguments.Partials, arguments.Values) = (partials.Address, values.Address);
        gpu.Launch(Sums, arguments, blocks, (shape.Classes + threads - 1) / threads);
        var rows = new ColumnTiling { Channels = width, Columns = arguments.Stride / 4, Pieces = blocks };
        ColumnTotals.Launch(gpu, rows, 1, partials, sums, default, sums: 1);
        partials.Release();
        gpu.Launch(Values, arguments, 1);
    }

    public void SegmentationBackward(
        SegmentationLossShape shape, View logits, View labels, View sums, View dLoss, View dLogits)
    {
        SegmentationArguments arguments = Arguments(shape, logits, labels, sums);
        DeviceBuffer coefficients = gpu.Pool.Rent((2L * shape.Classes + 1) * sizeof(float));
        (arguments.DLoss, arguments.DLogits) = (dLoss.Address, dLogits.Address);
        arguments.Coefficients = coefficients.Address;
        gpu.LaunchOver(Coefficients, arguments, shape.Classes);
        gpu.Launch(Gradient, arguments, Blocks(Gradient, shape));
        coefficients.Release();
    }

    int Blocks(Kernel kernel, SegmentationLossShape shape)
    {
        int rows = RowTile.Rows(gpu.BlockSize(kernel), shape.Classes);
        return (int)Math.Clamp((shape.Rows + rows - 1) / rows, 1, gpu.FullGrid);
    }

    static SegmentationArguments Arguments(SegmentationLossShape shape, View logits, View labels, View sums)
    {
        if (shape.Classes > RowTile.Capacity)
        {
            throw new ArgumentException(
                $"segmentation loss of {shape.Classes} classes: on a GPU at most {RowTile.Capacity}");
        }
        return new()
        {
            Rows = shape.Rows,
            Logits = logits.Address,
            Labels = labels.Address,
            Sums = sums.Address,
            Classes = shape.Classes,
            FirstClass = shape.FirstClass,
            Ignore = shape.Ignore,
            CrossEntropyWeight = shape.CrossEntropyWeight,
            DiceWeight = shape.DiceWeight,
            Smoothing = shape.Smoothing,
        };
    }
}
