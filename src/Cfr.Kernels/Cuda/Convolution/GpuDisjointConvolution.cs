namespace Cfr.Kernels.Cuda;

/// <summary>
/// Launches of <see cref="DisjointProduct"/>. Each without a norm returns false, and does nothing, for convolutions
/// that are not its own: see <see cref="Takes"/>.
/// </summary>
sealed class GpuDisjointConvolution(GpuDevice gpu)
{
    const int Packet = DisjointPatches.Packet;

    /// <summary>
    /// Blocks that are wanted at once, two for each multiprocessor of a large GPU; twice as many in the weight
    /// gradient, whose sums are so long that adding pieces is little beside them.
    /// </summary>
    const int WantedBlocks = 264, WantedPieces = 2 * WantedBlocks;

    /// <summary>Steps that a piece of a sum has at least.</summary>
    const int ShortestPiece = 256;

    /// <summary>
    /// With more output channels the work is that of tensor cores, and the larger tiles of a matrix product pay for
    /// patches in memory.
    /// </summary>
    const int MostOutChannels = 512;

    DisjointTiles Tiles => DisjointKernels.For(gpu.Precision);

    /// <summary>y = act(x * w + bias)</summary>
    public bool Forward(ConvolutionShape s, View x, View w, View bias, View y, Activation activation) =>
        Forward(Tiles, s, x, w, bias, y, activation);

    /// <summary>The same with chosen tiles.</summary>
    public bool Forward(
        DisjointTiles tiles, ConvolutionShape s, View x, View w, View bias, View y, Activation activation)
    {
        if (!Takes(s, x, w, bias, y)) return false;
        Forward(tiles, s, AsItStands(x), w, bias, y, activation, default);
        return true;
    }

    /// <summary>
    /// y = x * w + bias of a convolution that it takes, x being normalised on its way where it has constants; and
    /// moments of y where they are wanted (<see cref="MeasuredBoxes(ConvolutionShape, bool)"/>).
    /// </summary>
    public void Forward(ConvolutionShape s, NormalizedView x, View w, View bias, View y, View moments) =>
        Forward(Tiles, s, x, w, bias, y, moments);

    /// <summary>The same with chosen tiles.</summary>
    public void Forward(
        DisjointTiles tiles, ConvolutionShape s, NormalizedView x, View w, View bias, View y, View moments)
    {
        using Packets ofX = Packed(x.X), ofW = Packed(w);
        Forward(tiles, s, x with { X = ofX.View }, ofW.View, bias, y, Activation.None, moments);
    }

    void Forward(
        DisjointTiles tiles, ConvolutionShape s, NormalizedView x, View w, View bias, View y, Activation activation,
        View moments)
    {
        DisjointArguments arguments = Arguments(s, x.X, w, y) with { Norm = ChannelPackets.Of(x) };
        int m = arguments.PatchCount, n = s.OutChannels;
        DisjointTile tile = ForwardTile(tiles, ref arguments, out int pieces);
        int blocks = checked((int)tile.Count(m, n));
        Kernel<DisjointArguments> kernel = IsPlain(x, moments) ? tile.Forward : tile.Norms!.Forward;
        if (pieces == 1)
        {
            arguments.Bias = bias.Address;
            arguments.BiasChannels = new Divisor(n);
            arguments.Activation = (int)activation;
            (arguments.Moments, arguments.Boxes) = (moments.Address, Boxes(arguments, tile));
            gpu.Launch(kernel, arguments, blocks);
            return;
        }
        DeviceBuffer sums = gpu.Pool.Rent(pieces * y.Count * sizeof(float));
        arguments.Outputs = sums.Address;
        gpu.Launch(kernel, arguments, blocks, 1, pieces);
        gpu.LaunchOver(
            MatmulFinish.Packets,
            new MatmulArguments
            {
                A = sums.Address,
                LineA = n,
                StepA = 1,
                BatchA = pieces * y.Count,
                RowC = n,
                Epilogue = new EpilogueOperands { C = y.Address, Bias = bias.Address },
                Form = EpilogueForm.Of(new Epilogue(bias, activation)),
                M = m,
                N = n,
                Pieces = pieces,
            },
            y.Count / Packet);
        sums.Release();
    }

    /// <summary>dx = act(dy * w^T + bias)</summary>
    public bool InputGradient(
        ConvolutionShape s, View dy, View w, View bias, View dx, Activation activation, bool accumulate) =>
        InputGradient(Tiles, s, dy, w, bias, dx, activation, accumulate);

    /// <summary>The same with chosen tiles.</summary>
    public bool InputGradient(
        DisjointTiles tiles, ConvolutionShape s, View dy, View w, View bias, View dx, Activation activation,
        bool accumulate = false)
    {
        if (!Takes(s, dx, w, default, dy)) return false;
        InputGradient(tiles, s, AsItStands(dy), w, bias, dx, activation, default, accumulate);
        return true;
    }

    /// <summary>
    /// dx = dy * w^T + bias of a convolution that it takes, dy being normalised on its way where it has constants; and
    /// moments of dx where they are wanted (<see cref="MeasuredBoxesOfInputs(ConvolutionShape, bool)"/>).
    /// </summary>
    public void InputGradient(ConvolutionShape s, NormalizedView dy, View w, View bias, View dx, View moments) =>
        InputGradient(Tiles, s, dy, w, bias, dx, moments);

    /// <summary>The same with chosen tiles.</summary>
    public void InputGradient(
        DisjointTiles tiles, ConvolutionShape s, NormalizedView dy, View w, View bias, View dx, View moments)
    {
        using Packets ofDy = Packed(dy.X), ofW = Packed(w);
        InputGradient(tiles, s, dy with { X = ofDy.View }, ofW.View, bias, dx, Activation.None, moments);
    }

    void InputGradient(
        DisjointTiles tiles, ConvolutionShape s, NormalizedView dy, View w, View bias, View dx, Activation activation,
        View moments, bool accumulate = false)
    {
        DisjointArguments arguments = Arguments(s, dx, w, dy.X) with
        {
            Bias = bias.Address,
            BiasChannels = new Divisor(s.InChannels),
            Activation = (int)activation,
            Accumulates = accumulate ? 1 : 0,
            Norm = ChannelPackets.Of(dy),
            Taps = (int)s.Kernel.Voxels,
        };
        int m = arguments.PatchCount, n = arguments.Columns;
        DisjointTile tile = InputTile(tiles, arguments);
        Kernel<DisjointArguments> kernel = IsPlain(dy, moments) ? tile.InputGradient : tile.Norms!.InputGradient;
        (arguments.Moments, arguments.Boxes) = (moments.Address, Boxes(arguments, tile));
        gpu.Launch(kernel, arguments, checked((int)tile.Count(m, n)));
        if (!accumulate) UnreadVoxels.Launch(gpu, s, bias, dx, activation);
    }

    /// <summary>dw = sum over voxels of x dy</summary>
    public bool WeightGradient(ConvolutionShape s, View x, View dy, View dw) => WeightGradient(Tiles, s, x, dy, dw);

    /// <summary>The same with chosen tiles.</summary>
    public bool WeightGradient(DisjointTiles tiles, ConvolutionShape s, View x, View dy, View dw)
    {
        if (!Takes(s, x, dw, default, dy)) return false;
        WeightGradient(tiles, s, x, dy, dw, tile => tile.WeightGradient, default);
        return true;
    }

    /// <summary>The same of a convolution that it takes, x being normalised on its way.</summary>
    public void WeightGradient(ConvolutionShape s, NormalizedView x, View dy, View dw) =>
        WeightGradient(Tiles, s, x, dy, dw);

    /// <summary>The same with chosen tiles.</summary>
    public void WeightGradient(DisjointTiles tiles, ConvolutionShape s, NormalizedView x, View dy, View dw)
    {
        using Packets ofDy = Packed(dy);
        WeightGradient(tiles, s, x.X, ofDy.View, dw, tile => tile.Norms!.OfX, ChannelPackets.Of(x));
    }

    /// <summary>The same of a convolution that it takes, dy being normalised on its way.</summary>
    public void WeightGradient(ConvolutionShape s, View x, NormalizedView dy, View dw) =>
        WeightGradient(Tiles, s, x, dy, dw);

    /// <summary>The same with chosen tiles.</summary>
    public void WeightGradient(DisjointTiles tiles, ConvolutionShape s, View x, NormalizedView dy, View dw)
    {
        using Packets ofX = Packed(x);
        WeightGradient(tiles, s, ofX.View, dy.X, dw, tile => tile.Norms!.OfDy, ChannelPackets.Of(dy));
    }

    void WeightGradient(
        DisjointTiles tiles, ConvolutionShape s, View x, View dy, View dw,
        Func<DisjointTile, Kernel<DisjointArguments>> kernel, ChannelPackets norm)
    {
        DisjointArguments arguments = Arguments(s, x, dw, dy) with { Norm = norm };
        int m = arguments.Columns, n = s.OutChannels, k = arguments.PatchCount;
        DisjointTile tile = tiles.For(m, n, k, WantedBlocks);
        int blocks = checked((int)tile.Count(m, n)), pieces = Pieces(ref arguments, WantedPieces / blocks, k);
        if (pieces == 1)
        {
            gpu.Launch(kernel(tile), arguments, blocks);
            return;
        }
        DeviceBuffer sums = gpu.Pool.Rent(pieces * dw.Count * sizeof(float));
        arguments.Weights = sums.Address;
        gpu.Launch(kernel(tile), arguments, blocks, 1, pieces);
        gpu.Reduction.Sum(1, pieces, dw.Count, new View(sums.Address, pieces * dw.Count, DType.Float32), dw);
        sums.Release();
    }

    /// <summary>
    /// Boxes in which y is measured as it is stored; 0 where it cannot be: where it is a sum of pieces, and of each sample
    /// where a tile has rows of two.
    /// </summary>
    public int MeasuredBoxes(ConvolutionShape s, bool acrossBatch) => MeasuredBoxes(Tiles, s, acrossBatch);

    /// <summary>The same with chosen tiles.</summary>
    public static int MeasuredBoxes(DisjointTiles tiles, ConvolutionShape s, bool acrossBatch)
    {
        if (!TakesNorms(tiles, s)) return 0;
        DisjointArguments arguments = Arguments(s, default, default, default);
        DisjointTile tile = ForwardTile(tiles, ref arguments, out int pieces);
        return pieces == 1 && HasWholeSamples(s, tile, acrossBatch) ? Boxes(arguments, tile) : 0;
    }

    /// <summary>The same of dx: not where there are voxels that no patch has.</summary>
    public int MeasuredBoxesOfInputs(ConvolutionShape s, bool acrossBatch) =>
        MeasuredBoxesOfInputs(Tiles, s, acrossBatch);

    /// <summary>The same with chosen tiles.</summary>
    public static int MeasuredBoxesOfInputs(DisjointTiles tiles, ConvolutionShape s, bool acrossBatch)
    {
        if (!TakesNorms(tiles, s) || s.Output.Voxels * s.Stride.Voxels != s.Input.Voxels) return 0;
        DisjointArguments arguments = Arguments(s, default, default, default) with { Taps = (int)s.Kernel.Voxels };
        DisjointTile tile = InputTile(tiles, arguments);
        return HasWholeSamples(s, tile, acrossBatch) ? Boxes(arguments, tile) : 0;
    }

    static bool HasWholeSamples(ConvolutionShape s, DisjointTile tile, bool acrossBatch) =>
        acrossBatch || s.Batch == 1 || s.Output.Voxels % tile.Rows == 0;

    /// <summary>Whether it takes a convolution, and with norms in its load and store.</summary>
    public bool TakesNorms(ConvolutionShape s) => TakesNorms(Tiles, s);

    static bool TakesNorms(DisjointTiles tiles, ConvolutionShape s)
    {
        if (!Takes(s)) return false;
        DisjointArguments a = Arguments(s, default, default, default);
        DisjointTile ofWeights = tiles.For(a.Columns, s.OutChannels, a.PatchCount, WantedBlocks);
        return ForwardTile(tiles, ref a, out _).Norms is not null && InputTile(tiles, a).Norms is not null
            && ofWeights.Norms is not null;
    }

    /// <summary>The tile of a forward pass, and into how many pieces its sums are cut.</summary>
    static DisjointTile ForwardTile(DisjointTiles tiles, ref DisjointArguments arguments, out int pieces)
    {
        int m = arguments.PatchCount, n = arguments.OutChannels, k = arguments.Columns;
        DisjointTile tile = tiles.For(m, n, k, WantedBlocks);
        pieces = Pieces(ref arguments, WantedBlocks / checked((int)tile.Count(m, n)), k);
        return tile;
    }

    static DisjointTile InputTile(DisjointTiles tiles, DisjointArguments arguments) =>
        tiles.For(arguments.PatchCount, arguments.Columns, arguments.OutChannels, WantedBlocks);

    /// <summary>Boxes of what a kernel stores: a tile's rows, and of its columns those of a tap.</summary>
    static int Boxes(DisjointArguments arguments, DisjointTile tile) =>
        checked(Parts(arguments.PatchCount, tile.Rows) * arguments.Taps);

    static NormalizedView AsItStands(View x) => new(default, x, default);

    static bool IsPlain(NormalizedView x, View moments) =>
        x.Constants.IsNone && moments.IsNone;

    /// <summary>Numbers that begin at a multiple of 16 bytes, maybe as a copy that goes back to the pool.</summary>
    readonly record struct Packets(View View, DeviceBuffer? Copy) : IDisposable
    {
        public void Dispose() => Copy?.Release();
    }

    /// <summary>These, where they lie if they can be read there.</summary>
    Packets Packed(View x)
    {
        if (IsAligned(x)) return new(x, null);
        DeviceBuffer copy = gpu.Pool.Rent(x.Count * sizeof(float));
        var packed = new View(copy.Address, x.Count, DType.Float32);
        gpu.Layout.Copy(StridedCopy.Along([x.Count], [1], [1]), x, packed);
        return new(packed, copy);
    }

    static bool IsAligned(View x) => x.Address % (Packet * sizeof(float)) == 0;

    /// <summary>
    /// Whether a kernel is as large as its stride, larger than a voxel, and without padding; whether lines of voxels,
    /// runs of a patch and the output's voxels consist of packets of four, of which an int can count all; and whether
    /// there are not too many outputs.
    /// </summary>
    public static bool Takes(ConvolutionShape s, params ReadOnlySpan<View> operands)
    {
        bool isDisjoint = s.Kernel == s.Stride && s.Kernel.Voxels > 1 && s.Padding == default
            && s.Output.D * s.Stride.D <= s.Input.D && s.Output.H * s.Stride.H <= s.Input.H
            && s.Output.W * s.Stride.W <= s.Input.W;
        if (!isDisjoint || s.OutChannels > MostOutChannels) return false;
        if (s.Kernel.W * s.InChannels % Packet != 0 || s.Input.W * s.InChannels % Packet != 0) return false;
        if (s.OutChannels % Packet != 0) return false;
        long inputs = s.Batch * s.Input.Voxels * s.InChannels, outputs = s.Batch * s.Output.Voxels * s.OutChannels;
        if (Math.Max(inputs, outputs) / Packet > int.MaxValue) return false;
        foreach (View operand in operands)
            if (!IsAligned(operand)) return false;
        return true;
    }

    static DisjointArguments Arguments(ConvolutionShape s, View volume, View weights, View outputs) => new()
    {
        Volume = volume.Address,
        Outputs = outputs.Address,
        Weights = weights.Address,
        Patches = DisjointPatches.Of(s),
        PatchCount = checked((int)(s.Batch * s.Output.Voxels)),
        Columns = checked((int)(s.Kernel.Voxels * s.InChannels)),
        OutChannels = s.OutChannels,
        BiasChannels = new Divisor(1),
        Taps = 1,
    };

    /// <summary>Cuts sums into so many pieces of whole stages, or fewer.</summary>
    static int Pieces(ref DisjointArguments arguments, int wanted, int steps)
    {
        const int Stage = Tile.StageBytes / sizeof(float);
        int pieces = Math.Clamp(wanted, 1, Math.Max(steps / ShortestPiece, 1));
        arguments.PieceSteps = Parts(Parts(steps, pieces), Stage) * Stage;
        return Parts(steps, arguments.PieceSteps);
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
