namespace Cfr.Kernels.Cpu;

/// <summary>
/// Convolution on the processor. Forward passes and input gradients are the same direct kernel (<see
/// cref="ConvolutionPass"/>), the weight gradient has its own (<see cref="WeightGradient{V}"/>); both work on the
/// tensors as they lie. Kernels of 3 taps along W go through <see cref="Winograd{V}"/> where that is less work.
/// </summary>
sealed unsafe class CpuConvolution<V>(Threads threads, BufferPool pool) : IConvolution where V : struct, IVector<V>
{
    /// <summary>
    /// Bytes of x that a piece reads: its share of L2 beside the neighbouring rows that the taps need.
    /// </summary>
    const long BytesInPiece = 64 << 10;

    /// <summary>Fewer voxels would not repay the weights that a piece fetches.</summary>
    const long VoxelsInPiece = 64;

    /// <summary>Where there are fewer pieces, they are split by output channels.</summary>
    const long PiecesWanted = 32;

    /// <summary>Rows of a weight gradient that are summed at once.</summary>
    const long RowsInCombine = 64;

    /// <summary>
    /// Where one vector of 16 holds all output channels, two of 8 do better: a tile of one vector loads a value of x for
    /// each multiply-add, and both units take vectors of 8.
    /// </summary>
    readonly CpuConvolution<Lanes8>? _narrow = V.Width == 2 * Lanes8.Width ? new(threads, pool) : null;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    public void Forward(
        ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None)
    {
        if (y.Count == 0) return;
        shape = shape.Simplified();
        if (_narrow is not null && shape.OutChannels <= V.Width)
        {
            _narrow.Forward(shape, x, w, bias, y, activation);
            return;
        }
        ConvolutionPass[] passes = ConvolutionPass.OfForward(shape);
        bool packed = shape.OutChannels == PanelWidth;
        DeviceBuffer? panels = packed ? null : Pack(passes, shape.Kernel, w, transposed: false);
        DeviceBuffer start = Bias(bias, shape.OutChannels);
        Run(passes, x, packed ? w.Floats : (float*)panels!.Address, start, y, activation);
        panels?.Release();
        start.Release();
    }

    public void InputGradient(
        ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None,
        bool accumulate = false)
    {
        if (dx.Count == 0) return;
        if (accumulate)
        {
            DeviceBuffer added = pool.Rent(dx.Count * sizeof(float));
            InputGradient(shape, dy, w, bias, new View(added.Address, dx.Count, DType.Float32), activation);
            float* from = (float*)added.Address, to = dx.Floats;
            threads.For(dx.Count, BytesInPiece / sizeof(float), (first, last) =>
            {
                long i = first;
                for (; i <= last - V.Width; i += V.Width) (V.Load(to + i) + V.Load(from + i)).Store(to + i);
                for (; i < last; i++) to[i] += from[i];
            });
            added.Release();
            return;
        }
        shape = shape.Simplified();
        if (_narrow is not null && shape.InChannels <= V.Width)
        {
            _narrow.InputGradient(shape, dy, w, bias, dx, activation);
            return;
        }
        ConvolutionPass[] passes = ConvolutionPass.OfInputGradient<V>(shape);
        DeviceBuffer panels = Pack(passes, shape.Kernel, w, transposed: true);
        DeviceBuffer start = Bias(bias, shape.InChannels);
        Run(passes, dy, (float*)panels.Address, start, dx, activation);
        panels.Release();
        start.Release();
    }

    public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw)
    {
        shape = shape.Simplified();
        if (dy.Count == 0)
            new Span<float>(dw.Floats, checked((int)dw.Count)).Clear();
        else if (_narrow is not null && shape.OutChannels <= V.Width)
            _narrow.WeightGradient(shape, x, dy, dw);
        else if (Winograd<V>.Fits(shape.Kernel, shape.Stride, shape.InChannels, shape.Output.W))
            WinogradGradient(shape, x, dy, dw);
        else
            DirectGradient(shape, x, dy, dw);
    }

    void WinogradGradient(ConvolutionShape shape, View x, View dy, View dw)
    {
        var sizes = new WinogradWeightGradient<V>(shape, x.Floats, dy.Floats, dw.Floats, null);
        DeviceBuffer partials = pool.Rent(sizes.PartialFloats * sizeof(float));
        var gradient = new WinogradWeightGradient<V>(shape, x.Floats, dy.Floats, dw.Floats, (float*)partials.Address);
        using var scratch = new WorkerScratch(threads, pool, gradient.ScratchBytes);
        threads.For(gradient.Pieces, (piece, worker) => gradient.Run(scratch[worker], piece));
        threads.For(gradient.WeightRows, RowsInCombine, gradient.Combine);
        partials.Release();
    }

    void DirectGradient(ConvolutionShape shape, View x, View dy, View dw)
    {
        var sizes = new WeightGradient<V>(shape, x.Floats, dy.Floats, dw.Floats, null);
        DeviceBuffer partials = pool.Rent(sizes.IsDirect ? 0 : sizes.Chunks * sizes.PartialFloats * sizeof(float));
        var gradient = new WeightGradient<V>(shape, x.Floats, dy.Floats, dw.Floats, (float*)partials.Address);
        int groups = gradient.TileGroups;
        using var scratch = new WorkerScratch(threads, pool, gradient.ScratchBytes);
        threads.For(
            gradient.Chunks * groups, (piece, worker) => gradient.Run(scratch[worker], piece / groups, piece % groups));
        if (!gradient.IsDirect) threads.For(gradient.WeightRows, RowsInCombine, gradient.Combine);
        partials.Release();
    }

    void Run(ConvolutionPass[] passes, View x, float* panels, DeviceBuffer bias, View y, Activation activation)
    {
        switch (activation)
        {
            case Activation.Relu: Run<Relu>(passes, x, panels, bias, y); break;
            case Activation.Gelu: Run<Gelu>(passes, x, panels, bias, y); break;
            default: Run<NoActivation>(passes, x, panels, bias, y); break;
        }
    }

    /// <summary>A piece is the same part of the rows of all passes: together they write neighbouring voxels.</summary>
    void Run<TActivation>(ConvolutionPass[] passes, View x, float* panels, DeviceBuffer bias, View y)
        where TActivation : struct, IActivation
    {
        float* start = (float*)bias.Address;
        if (UsesWinograd(passes))
        {
            RunWinograd<TActivation>(passes[0], x, panels, start, y);
            return;
        }
        long rows = 0, bytesInRow = 1, voxelsInRow = 1, scratchBytes = 0;
        foreach (ConvolutionPass pass in passes)
        {
            rows = Math.Max(rows, pass.Rows);
            bytesInRow = Math.Max(bytesInRow, (long)pass.Input.W * pass.InChannels * sizeof(float) * pass.Stride.H);
            voxelsInRow = Math.Max(voxelsInRow, pass.Output.W);
            scratchBytes = Math.Max(scratchBytes, Kernel(pass).ScratchBytes);
        }
        long rowsInPiece = Math.Max((VoxelsInPiece + voxelsInRow - 1) / voxelsInRow, BytesInPiece / bytesInRow);
        long ranges = Math.Max(1, rows / rowsInPiece);
        int all = ConvolutionWeights<V>.Panels(passes[0].OutChannels);
        int groups = (int)Math.Clamp(PiecesWanted / ranges, 1, all);
        using var scratch = new WorkerScratch(threads, pool, scratchBytes);
        threads.For(checked((int)(ranges * groups)), (piece, worker) =>
        {
            long range = piece / groups, group = piece % groups;
            foreach (ConvolutionPass pass in passes)
                Kernel(pass).Run(
                    scratch[worker], pass.Rows * range / ranges, pass.Rows * (range + 1) / ranges,
                    (int)(all * group / groups), (int)(all * (group + 1) / groups));
        });

        DirectConvolution<V, TActivation> Kernel(ConvolutionPass pass) => new(pass, x.Floats, panels, start, y.Floats);
    }

    static bool UsesWinograd(ConvolutionPass[] passes) => passes is [var only] &&
        Winograd<V>.Fits(only.Kernel, only.Stride, only.InChannels, only.Output.W);

    void RunWinograd<TActivation>(ConvolutionPass pass, View x, float* panels, float* bias, View y)
        where TActivation : struct, IActivation
    {
        int planes = pass.Kernel.D * pass.Kernel.H, count = ConvolutionWeights<V>.Panels(pass.OutChannels);
        long steps = (long)planes * Winograd<V>.Products * pass.InChannels;
        DeviceBuffer buffer = pool.Rent(steps * ConvolutionWeights<V>.Padded(pass.OutChannels) * sizeof(float));
        float* weights = (float*)buffer.Address;
        threads.For(count, panel => Winograd<V>.Weights(
            panels + pass.Steps * panel * PanelWidth, planes,
            (long)pass.InChannels * ConvolutionWeights<V>.Width(pass.OutChannels, panel),
            weights + steps * panel * PanelWidth));

        var kernel = new WinogradConvolution<V, TActivation>(pass, x.Floats, weights, bias, y.Floats);
        using var scratch = new WorkerScratch(threads, pool, kernel.ScratchBytes);
        threads.For(kernel.Pieces, (piece, worker) => kernel.Run(scratch[worker], piece));
        buffer.Release();
    }

    DeviceBuffer Pack(ConvolutionPass[] passes, Extent kernel, View w, bool transposed)
    {
        ConvolutionPass last = passes[^1];
        int count = ConvolutionWeights<V>.Panels(last.OutChannels);
        DeviceBuffer buffer = pool.Rent(
            (last.PanelStart + last.Steps * ConvolutionWeights<V>.Padded(last.OutChannels)) * sizeof(float));
        float* source = w.Floats, panels = (float*)buffer.Address;
        threads.For(passes.Length * count, piece =>
        {
            (ConvolutionPass pass, int panel) = (passes[piece / count], piece % count);
            if (transposed)
                ConvolutionWeights<V>.PackTransposed(pass, kernel, panel, source, panels);
            else
                ConvolutionWeights<V>.Pack(pass, kernel, panel, source, panels);
        });
        return buffer;
    }

    /// <summary>
    /// What the sums start with: the bias, repeated where channels stand for several voxels, or zeros.
    /// </summary>
    DeviceBuffer Bias(View bias, int channels)
    {
        DeviceBuffer buffer = pool.Rent((channels + PanelWidth) * sizeof(float));
        var start = new Span<float>((float*)buffer.Address, channels + PanelWidth);
        start.Clear();
        for (int i = 0; i < channels && !bias.IsNone; i++) start[i] = bias.Floats[i % bias.Count];
        return buffer;
    }
}
