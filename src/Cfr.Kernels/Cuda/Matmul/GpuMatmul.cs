namespace Cfr.Kernels.Cuda;

/// <summary>The rungs of the ladder, each faster than the one before.</summary>
enum MatmulRung
{
    /// <summary>One thread per output.</summary>
    Naive,
    /// <summary>Tiles in shared memory.</summary>
    Shared,
    /// <summary>Tiles in registers, float32.</summary>
    Registers,
    /// <summary>Tensor cores, in the device's precision; TF32 where that is float32.</summary>
    TensorCores,
}

/// <summary>
/// Matrix products. Sizes and the device's precision alone choose the way, so that results depend on nothing else:
/// <list type="bullet">
/// <item>a batch of rows against one shared B is one tall product;</item>
/// <item>products too small to matter take rung 2, which wants nothing of its operands;</item>
/// <item>everything else takes the highest rung of the precision. Operands that it cannot fetch 16 bytes at a time, or
/// that are of another type, are copied first (<see cref="OperandPack"/>);</item>
/// <item>where there are too few tiles to fill the device, the sum is cut into pieces (<see cref="MatmulFinish"/>).</item>
/// </list>
/// C may be bfloat16: it is then rounded from float32 at the end. Bias, residual and pre-activation are float32.
/// </summary>
sealed class GpuMatmul(GpuDevice gpu) : IMatmul
{
    /// <summary>Multiply-adds below which rung 2 will do: a few microseconds.</summary>
    const long SmallWork = 1 << 21;

    /// <summary>Tiles that are wanted at once; about the multiprocessors of a large GPU.</summary>
    const int WantedTiles = 128;

    /// <summary>Steps that a piece of a sum has at least, and pieces that there are at most.</summary>
    const int ShortestPiece = 256, MostPieces = 32;

    const int LargestGridZ = 65535;

    readonly MatmulOperands _operands = new(gpu);

    public void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default)
    {
        bool isSmall = (long)c.Rows * c.Columns * batch * a.Columns < SmallWork;
        MatmulRung best = gpu.Precision == Precision.Float32 ? MatmulRung.Registers : MatmulRung.TensorCores;
        Multiply(isSmall ? MatmulRung.Shared : best, a, b, c, batch, epilogue);
    }

    /// <summary>The same on a chosen rung, and there with a chosen tile.</summary>
    public void Multiply(
        MatmulRung rung, Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default,
        TileKernels? tile = null)
    {
        if (batch == 0 || c.Rows == 0 || c.Columns == 0) return;
        if (batch > 1 && CanFold(a, b, c, batch))
        {
            a = a with { Rows = batch * a.Rows };
            c = c with { Rows = batch * c.Rows };
            batch = 1;
        }
        if (c.Data.Type == DType.BFloat16)
        {
            DeviceBuffer buffer = _operands.RentFloats(c, batch, out Matrix sums);
            if (epilogue.Accumulate) _operands.Copy(c, sums, batch);
            Multiply(rung, a, b, sums, batch, epilogue, tile);
            _operands.Copy(sums, c, batch);
            buffer.Release();
            return;
        }
        DType type = rung switch
        {
            < MatmulRung.TensorCores => DType.Float32,
            _ when tile is not null => tile.Type,
            _ => gpu.Precision == Precision.BFloat16 ? DType.BFloat16 : DType.Float32,
        };
        bool wantsPackets = rung >= MatmulRung.Registers;
        DeviceBuffer? copyOfA = _operands.Fetchable(ref a, type, wantsPackets, isKMajor: !a.Transposed, batch);
        DeviceBuffer? copyOfB = _operands.Fetchable(ref b, type, wantsPackets, isKMajor: b.Transposed, batch);
        MatmulArguments arguments = Arguments(a, b, c, epilogue);
        if (rung == MatmulRung.Naive)
            Naive(arguments, batch);
        else if (rung == MatmulRung.Shared)
            Shared(arguments, batch);
        else
            Tiled(tile ?? Tile(rung, c, batch), arguments, a, b, batch);
        copyOfA?.Release();
        copyOfB?.Release();
    }

    void Naive(MatmulArguments arguments, int batch)
    {
        Kernel<MatmulArguments> kernel = MatmulNaiveKernel.Kernel;
        Launch(kernel, arguments, Blocks(kernel, (long)arguments.M * arguments.N), batch);
    }

    void Shared(MatmulArguments arguments, int batch)
    {
        int rows = gpu.BlockSize(MatmulSharedKernel.Kernel) / MatmulSharedKernel.Side;
        int tiles = checked(Parts(arguments.M, rows) * Parts(arguments.N, MatmulSharedKernel.Side));
        Launch(MatmulSharedKernel.Kernel, arguments, tiles, batch);
    }

    void Tiled(TileKernels tile, MatmulArguments arguments, Matrix a, Matrix b, int batch)
    {
        int m = arguments.M, n = arguments.N, k = arguments.K;
        Kernel<MatmulArguments> kernel = tile.For(!a.Transposed, b.Transposed);
        int tiles = checked((int)tile.Count(m, n)), stage = Cuda.Tile.StageBytes / tile.Type.Bytes();
        int mostPieces = Math.Clamp(k / ShortestPiece, 1, MostPieces);
        int pieces = (int)Math.Clamp(WantedTiles / ((long)tiles * batch), 1, mostPieces);
        arguments.PieceSteps = Parts(Parts(k, pieces), stage) * stage;
        pieces = k == 0 ? 1 : Parts(k, arguments.PieceSteps);
        bool hasPackets = HasPackets(arguments, batch);
        if (pieces == 1 && hasPackets)
        {
            Launch(kernel, arguments, tiles, batch);
            return;
        }

        int row = Parts(n, FourLanes.Width) * FourLanes.Width;
        long matrix = (long)m * row;
        DeviceBuffer sums = gpu.Pool.Rent(batch * pieces * matrix * sizeof(float));
        Launch(
            kernel,
            arguments with
            {
                Epilogue = new EpilogueOperands { C = sums.Address },
                Form = EpilogueChoice.Of(default),
                RowC = row,
                BatchC = matrix,
                Pieces = pieces,
            },
            tiles, batch, pieces);

        Kernel<MatmulArguments> finish = hasPackets ? MatmulFinish.Packets : MatmulFinish.Elements;
        arguments = arguments with
        {
            A = sums.Address, LineA = row, BatchA = pieces * matrix, Pieces = pieces,
        };
        Launch(finish, arguments, Blocks(finish, hasPackets ? matrix / FourLanes.Width : (long)m * n), batch);
        sums.Release();
    }

    /// <summary>The first tile of the rung of which there are enough, or else the smallest.</summary>
    TileKernels Tile(MatmulRung rung, Matrix c, int batch)
    {
        ReadOnlySpan<TileKernels> tiles = rung == MatmulRung.Registers ? TiledKernels.Float32
            : gpu.Precision == Precision.BFloat16 ? TiledKernels.BFloat16
            : TiledKernels.Tf32;
        foreach (TileKernels tile in tiles)
            if (tile.Count(c.Rows, c.Columns) * batch >= WantedTiles) return tile;
        return tiles[^1];
    }

    /// <summary>Launches for all matrices of a batch, as many at once as a grid may have.</summary>
    void Launch(Kernel<MatmulArguments> kernel, MatmulArguments arguments, int blocks, int batch, int pieces = 1)
    {
        int most = LargestGridZ / pieces;
        for (arguments.FirstMatrix = 0; arguments.FirstMatrix < batch; arguments.FirstMatrix += most)
        {
            int matrices = Math.Min(most, batch - arguments.FirstMatrix);
            gpu.Launch(kernel, arguments, blocks, 1, matrices * pieces);
        }
    }

    MatmulArguments Arguments(Matrix a, Matrix b, Matrix c, Epilogue epilogue) => new()
    {
        A = a.Data.Address,
        B = b.Data.Address,
        LineA = a.Transposed ? 1 : a.RowStride,
        StepA = a.Transposed ? a.RowStride : 1,
        LineB = b.Transposed ? b.RowStride : 1,
        StepB = b.Transposed ? 1 : b.RowStride,
        BatchA = a.BatchStride,
        BatchB = b.BatchStride,
        BatchC = c.BatchStride,
        RowC = c.RowStride,
        Epilogue = new EpilogueOperands
        {
            C = c.Data.Address,
            Bias = epilogue.Bias.IsNone ? _operands.Zero : epilogue.Bias.Address,
            BiasStep = epilogue.Bias.IsNone ? 0 : 1,
            PreActivation = epilogue.PreActivation.Address,
            Residual = epilogue.Residual.Address,
        },
        Form = EpilogueChoice.Of(epilogue),
        M = c.Rows,
        N = c.Columns,
        K = a.Columns,
        Pieces = 1,
        PieceSteps = a.Columns,
    };

    /// <summary>Whether C and what is laid out like it consist of whole, aligned packets.</summary>
    static bool HasPackets(MatmulArguments a, int batch) =>
        a.N % FourLanes.Width == 0 && a.RowC % FourLanes.Width == 0 && (batch == 1 || a.BatchC % FourLanes.Width == 0)
        && (a.Epilogue.C | a.Epilogue.Bias | a.Epilogue.PreActivation | a.Epilogue.Residual)
            % (FourLanes.Width * sizeof(float)) == 0;

    static bool CanFold(Matrix a, Matrix b, Matrix c, int batch) =>
        b.BatchStride == 0 && !a.Transposed && a.BatchStride == a.Rows * a.RowStride
        && c.BatchStride == c.Rows * c.RowStride && (long)batch * c.Rows <= int.MaxValue;

    int Blocks(Kernel kernel, long threads) => (int)Math.Min((threads + gpu.BlockSize(kernel) - 1) / gpu.BlockSize(kernel), gpu.FullGrid);

    static int Parts(int whole, int part) => (int)(((long)whole + part - 1) / part);
}
