namespace Cfr.Kernels.Cuda;

/// <summary>
/// Any convolution as a matrix product. Forward, patches are laid out and multiplied by the weights; the input gradient
/// multiplies first and then adds up patches. Done for as many batch entries at once as patches fit into some memory.
/// <code>
///   patches [rows, KD KH KW in] x weights [KD KH KW in, out]      dy [rows, out] x weights^T = patches
/// </code>
/// Without patches where a row is a voxel of both volumes.
/// </summary>
sealed class PatchProduct(GpuDevice gpu)
{
    const long MostBytes = 1L << 29;

    GpuMatmul Matmul => (GpuMatmul)gpu.Matmul;

    /// <summary>y = act(x * w + bias)</summary>
    public void Forward(ConvolutionShape s, View x, View w, View bias, View y, Activation activation)
    {
        int columns = Columns(s);
        var epilogue = new Epilogue(bias, activation);
        var weights = Matrix.Dense(w, columns, s.OutChannels);
        if (s.IsPointwise)
        {
            int voxels = Rows(s, s.Batch);
            Matmul.Multiply(
                Matrix.Dense(x, voxels, columns), weights, Matrix.Dense(y, voxels, s.OutChannels), 1, epilogue);
            return;
        }
        foreach (var (entry, entries) in Pieces(s, columns))
        {
            int rows = Rows(s, entries);
            DType type = Matmul.TypeOfA(rows, s.OutChannels, columns);
            DeviceBuffer buffer = gpu.Pool.Rent((long)rows * columns * type.Bytes());
            var patches = new View(buffer.Address, (long)rows * columns, type);
            Unfolded(s, x, patches, rows, entry * Rows(s, 1));
            Matmul.Multiply(
                Matrix.Dense(patches, rows, columns), weights,
                Matrix.Dense(Entries(y, s, s.Output, s.OutChannels, entry), rows, s.OutChannels), 1, epilogue);
            buffer.Release();
        }
    }

    /// <summary>dx = act(dy * w^T + bias)</summary>
    public void InputGradient(ConvolutionShape s, View dy, View w, View bias, View dx, Activation activation)
    {
        int columns = Columns(s);
        Matrix weights = Matrix.Dense(w, columns, s.OutChannels).T;
        if (s.IsPointwise)
        {
            int voxels = Rows(s, s.Batch);
            Matmul.Multiply(
                Matrix.Dense(dy, voxels, s.OutChannels), weights, Matrix.Dense(dx, voxels, columns), 1,
                new Epilogue(bias, activation));
            return;
        }
        foreach (var (entry, entries) in Pieces(s, columns))
        {
            int rows = Rows(s, entries);
            DeviceBuffer buffer = gpu.Pool.Rent((long)rows * columns * sizeof(float));
            var patches = new View(buffer.Address, (long)rows * columns, DType.Float32);
            View from = Entries(dy, s, s.Output, s.OutChannels, entry);
            Matmul.Multiply(
                Matrix.Dense(from, rows, s.OutChannels), weights, Matrix.Dense(patches, rows, columns));
            Folded(s, patches, bias, Entries(dx, s, s.Input, s.InChannels, entry), entries, activation);
            buffer.Release();
        }
    }

    /// <summary>
    /// dw = patches^T dy, as many rows at once as the bytes given hold; the pieces are added one after the other.
    /// </summary>
    public void WeightGradient(ConvolutionShape s, View x, View dy, View dw, long bytes = MostBytes)
    {
        int columns = Columns(s), rows = Rows(s, s.Batch);
        Matrix weights = Matrix.Dense(dw, columns, s.OutChannels);
        if (s.IsPointwise)
        {
            Matmul.Multiply(Matrix.Dense(x, rows, columns).T, Matrix.Dense(dy, rows, s.OutChannels), weights);
            return;
        }
        DType type = Matmul.TypeOfA(columns, s.OutChannels, rows);
        int atOnce = (int)Math.Clamp(bytes / ((long)columns * type.Bytes()), 1, rows);
        DeviceBuffer buffer = gpu.Pool.Rent((long)atOnce * columns * type.Bytes());
        for (int first = 0; first < rows; first += atOnce)
        {
            int count = Math.Min(atOnce, rows - first);
            var patches = new View(buffer.Address, (long)count * columns, type);
            Unfolded(s, x, patches, count, first);
            Matmul.Multiply(
                Matrix.Dense(patches, count, columns).T,
                Matrix.Dense(dy.Slice((long)first * s.OutChannels), count, s.OutChannels), weights, 1,
                new Epilogue(Accumulate: first > 0));
        }
        buffer.Release();
    }

    void Unfolded(ConvolutionShape s, View x, View patches, int rows, int firstRow)
    {
        bool hasPackets = s.InChannels % FourLanes.Width == 0 && x.Address % (FourLanes.Width * sizeof(float)) == 0;
        bool isHalf = patches.Type == DType.BFloat16;
        Kernel<PatchArguments> kernel = isHalf
            ? hasPackets ? Unfold.PacketsToBFloat16 : Unfold.ElementsToBFloat16
            : hasPackets ? Unfold.Packets : Unfold.Elements;
        int width = hasPackets ? FourLanes.Width : 1, items = checked(rows * (Columns(s) / width));
        gpu.LaunchOver(kernel, Arguments(s, x, patches, width) with { First = firstRow, Items = items }, items);
    }

    void Folded(ConvolutionShape s, View patches, View bias, View dx, int entries, Activation activation)
    {
        bool hasPackets = s.InChannels % FourLanes.Width == 0
            && (dx.Address | bias.Address) % (FourLanes.Width * sizeof(float)) == 0;
        Kernel<PatchArguments> kernel = (hasPackets ? Fold.Packets : Fold.Elements)[(int)activation];
        int width = hasPackets ? FourLanes.Width : 1;
        int items = checked((int)(entries * s.Input.Voxels * (s.InChannels / width)));
        gpu.LaunchOver(kernel, Arguments(s, dx, patches, width) with { Bias = bias.Address, Items = items }, items);
    }

    static PatchArguments Arguments(ConvolutionShape s, View volume, View patches, int width) => new()
    {
        Volume = volume.Address,
        Patches = patches.Address,
        Size = s.Input,
        Output = s.Output,
        Kernel = s.Kernel,
        Padding = s.Padding,
        Channels = s.InChannels,
        Columns = Columns(s),
        StrideD = new Divisor(s.Stride.D),
        StrideH = new Divisor(s.Stride.H),
        StrideW = new Divisor(s.Stride.W),
        Voxels = new VoxelGrid(s.Input, s.InChannels / width),
        OutputVoxels = new VoxelGrid(s.Output, 1),
        RowVectors = new Divisor(Columns(s) / width),
        ChannelVectors = new Divisor(s.InChannels / width),
        KernelW = new Divisor(s.Kernel.W),
        KernelH = new Divisor(s.Kernel.H),
    };

    static IEnumerable<(int Entry, int Entries)> Pieces(ConvolutionShape s, int columns)
    {
        long bytes = s.Output.Voxels * columns * sizeof(float);
        int atOnce = (int)Math.Clamp(MostBytes / bytes, 1, s.Batch);
        for (int entry = 0; entry < s.Batch; entry += atOnce)
            yield return (entry, Math.Min(atOnce, s.Batch - entry));
    }

    static View Entries(View of, ConvolutionShape s, Extent size, int channels, int entry)
    {
        long each = size.Voxels * channels;
        return of.Slice(entry * each, (s.Batch - entry) * each);
    }

    static int Rows(ConvolutionShape s, int entries) => checked((int)(entries * s.Output.Voxels));

    static int Columns(ConvolutionShape s) => checked((int)(s.Kernel.Voxels * s.InChannels));
}
