namespace Cfr.Kernels.Cuda;

/// <summary>
/// Launches of <see cref="DisjointProduct"/>. Each returns false, and does nothing, for convolutions that are not its
/// own: see <see cref="Takes"/>.
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
        DisjointArguments arguments = Arguments(s, x, w, y);
        int m = arguments.PatchCount, n = s.OutChannels, k = arguments.Columns;
        DisjointTile tile = tiles.For(m, n, k, WantedBlocks);
        int blocks = checked((int)tile.Count(m, n)), pieces = Pieces(ref arguments, WantedBlocks / blocks, k);
        if (pieces == 1)
        {
            arguments.Bias = bias.Address;
            arguments.BiasChannels = new Divisor(n);
            arguments.Activation = (int)activation;
            gpu.Launch(tile.Forward, arguments, blocks);
            return true;
        }
        DeviceBuffer sums = gpu.Pool.Rent(pieces * y.Count * sizeof(float));
        arguments.Outputs = sums.Address;
        gpu.Launch(tile.Forward, arguments, blocks, 1, pieces);
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
        return true;
    }

    /// <summary>dx = act(dy * w^T + bias)</summary>
    public bool InputGradient(ConvolutionShape s, View dy, View w, View bias, View dx, Activation activation) =>
        InputGradient(Tiles, s, dy, w, bias, dx, activation);

    /// <summary>The same with chosen tiles.</summary>
    public bool InputGradient(
        DisjointTiles tiles, ConvolutionShape s, View dy, View w, View bias, View dx, Activation activation)
    {
        if (!Takes(s, dx, w, default, dy)) return false;
        DisjointArguments arguments = Arguments(s, dx, w, dy) with
        {
            Bias = bias.Address,
            BiasChannels = new Divisor(s.InChannels),
            Activation = (int)activation,
        };
        int m = arguments.PatchCount, n = arguments.Columns;
        DisjointTile tile = tiles.For(m, n, s.OutChannels, WantedBlocks);
        gpu.Launch(tile.InputGradient, arguments, checked((int)tile.Count(m, n)));
        UnreadVoxels.Launch(gpu, s, bias, dx, activation);
        return true;
    }

    /// <summary>dw = sum over voxels of x dy</summary>
    public bool WeightGradient(ConvolutionShape s, View x, View dy, View dw) => WeightGradient(Tiles, s, x, dy, dw);

    /// <summary>The same with chosen tiles.</summary>
    public bool WeightGradient(DisjointTiles tiles, ConvolutionShape s, View x, View dy, View dw)
    {
        if (!Takes(s, x, dw, default, dy)) return false;
        DisjointArguments arguments = Arguments(s, x, dw, dy);
        int m = arguments.Columns, n = s.OutChannels, k = arguments.PatchCount;
        DisjointTile tile = tiles.For(m, n, k, WantedBlocks);
        int blocks = checked((int)tile.Count(m, n)), pieces = Pieces(ref arguments, WantedPieces / blocks, k);
        if (pieces == 1)
        {
            gpu.Launch(tile.WeightGradient, arguments, blocks);
            return true;
        }
        DeviceBuffer sums = gpu.Pool.Rent(pieces * dw.Count * sizeof(float));
        arguments.Weights = sums.Address;
        gpu.Launch(tile.WeightGradient, arguments, blocks, 1, pieces);
        gpu.Reduction.Sum(1, pieces, dw.Count, new View(sums.Address, pieces * dw.Count, DType.Float32), dw);
        sums.Release();
        return true;
    }

    /// <summary>
    /// Whether a kernel is as large as its stride, larger than a voxel, and without padding; whether lines of voxels,
    /// runs of a patch and the output's voxels consist of packets of four, of which an int can count all; and whether
    /// there are not too many outputs.
    /// </summary>
    static bool Takes(ConvolutionShape s, params ReadOnlySpan<View> operands)
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
            if (operand.Address % (Packet * sizeof(float)) != 0) return false;
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
