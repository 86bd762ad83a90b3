using System.Numerics;

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
    /// <summary>Beside the ladder: few rows or columns, bound by memory, float32.</summary>
    Skinny,
    /// <summary>Beside the ladder: sums of few products, bound by memory, float32.</summary>
    Short,
}

/// <summary>
/// Matrix products. Sizes, the device's precision and whether it has warp groups choose the way, so that results depend
/// on nothing else:
/// <list type="bullet">
/// <item>a batch of rows against one shared B is one tall product;</item>
/// <item>products too small to matter take rung 2, which wants nothing of its operands;</item>
/// <item>few rows or columns, or sums of few products, are bound by memory (<see cref="SkinnyMatmul"/>, <see
/// cref="ShortMatmul"/>);</item>
/// <item>everything else takes the highest rung of the precision. Operands that it cannot fetch 16 bytes at a time, or
/// that are of another type, are copied first (<see cref="OperandPack"/>);</item>
/// <item>where there are too few tiles to fill the device, the sum is cut into pieces (<see
/// cref="MatmulFinish"/>).</item>
/// </list>
/// C may be bfloat16: it is then rounded from float32 as it is stored. Bias, residual and pre-activation are float32.
/// </summary>
sealed class GpuMatmul(GpuDevice gpu) : IMatmul
{
    /// <summary>Tiles that are wanted at once; about the multiprocessors of a large GPU.</summary>
    const int WantedTiles = 128;

    /// <summary>Those of an H100 and H200, for which waves of tiles are counted: results depend on sizes alone.</summary>
    const int Multiprocessors = 132;

    /// <summary>Steps that a piece of a sum has at least, and pieces that there are at most.</summary>
    const int ShortestPiece = 256, MostPieces = 32;

    /// <summary>Rows, columns or steps up to which a product is bound by memory.</summary>
    const int Few = 8;

    /// <summary>Threads that keep the memory busy, and steps that one of them sums at least.</summary>
    const int WantedThreads = 1 << 17, ShortestRun = 16;

    const int LargestGridZ = 65535;

    readonly MatmulOperands _operands = new(gpu);

    public void Multiply(Matrix a, Matrix b, Matrix c, int batch = 1, Epilogue epilogue = default)
    {
        int rows = CanFold(a, b, c, batch) ? batch * c.Rows : c.Rows;
        double work = (double)c.Rows * c.Columns * batch * a.Columns;
        Multiply(Rung(rows, c.Columns, a.Columns, work), a, b, c, batch, epilogue);
    }

    public DType TypeOfA(int m, int n, int k) => Type(Rung(m, n, k, (double)m * n * k));

    public void Round(View x, View y)
    {
        int count = checked((int)x.Count);
        _operands.Copy(Matrix.Dense(x, 1, count), Matrix.Dense(y, 1, count), 1, count);
    }

    MatmulRung Rung(int rows, int columns, int steps, double work) => work < gpu.SmallWork ? MatmulRung.Shared
        : Math.Min(rows, columns) <= Few ? MatmulRung.Skinny
        : steps <= Few ? MatmulRung.Short
        : gpu.Precision == Precision.Float32 ? MatmulRung.Registers
        : MatmulRung.TensorCores;

    DType Type(MatmulRung rung) => rung == MatmulRung.TensorCores && gpu.Precision == Precision.BFloat16
        ? DType.BFloat16
        : DType.Float32;

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
        DType type = rung == MatmulRung.TensorCores && tile is not null ? tile.Type : Type(rung);
        bool wantsPackets = rung is MatmulRung.Registers or MatmulRung.TensorCores;
        DeviceBuffer? copyOfA = _operands.Fetchable(ref a, type, wantsPackets, isKMajor: !a.Transposed, batch);
        DeviceBuffer? copyOfB = _operands.Fetchable(ref b, type, wantsPackets, isKMajor: b.Transposed, batch);
        MatmulArguments arguments = Arguments(a, b, c, epilogue);
        if (rung == MatmulRung.Naive)
            Naive(arguments, batch);
        else if (rung == MatmulRung.Shared)
            Shared(arguments, batch);
        else if (rung == MatmulRung.Skinny)
            Skinny(arguments, a, b, batch);
        else if (rung == MatmulRung.Short)
            Short(arguments, b, batch);
        else
            Tiled(tile ?? Tile(rung, a, c, batch), arguments, a, b, batch);
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
        if (pieces == 1 && HasPackets(arguments, batch))
        {
            Launch(kernel, arguments, tiles, batch);
            return;
        }

        int row = Parts(n, FourLanes.Width) * FourLanes.Width;
        MatmulArguments sums = arguments with { RowC = row, BatchC = (long)m * row, Pieces = pieces };
        DeviceBuffer buffer = Scratch(ref sums, batch);
        Launch(kernel, sums, tiles, batch);
        Finish(arguments, buffer, row, 1, sums.BatchC, pieces, batch);
    }

    /// <summary>At most 8 rows or columns; see <see cref="SkinnyMatmul"/>.</summary>
    void Skinny(MatmulArguments arguments, Matrix a, Matrix b, int batch)
    {
        bool wideIsA = arguments.N <= arguments.M, areSteps = wideIsA ? !a.Transposed : b.Transposed;
        bool hasPackets = MatmulOperands.HasPackets(wideIsA ? a : b, areSteps, batch);
        if (areSteps)
            SkinnyRows(arguments, wideIsA, hasPackets, wideIsA ? b : a, batch);
        else
            SkinnyColumns(arguments, wideIsA, hasPackets, batch);
    }

    void SkinnyRows(MatmulArguments arguments, bool wideIsA, bool hasPackets, Matrix few, int batch)
    {
        DeviceBuffer? copy = null;
        if (hasPackets && few.Transposed != wideIsA)
        {
            copy = _operands.Turned(ref few, batch);
            arguments = wideIsA ? WithB(arguments, few) : WithA(arguments, few);
        }
        bool fewHavePackets = few.Transposed == wideIsA && MatmulOperands.HasPackets(few, isKMajor: true, batch);
        var skinny = SkinnyArguments.Of(arguments, wideIsA);
        bool areShort = skinny.K <= SkinnyMatmul.MostShortSteps && skinny.WideLines >= SkinnyMatmul.FewestShortRows;
        Kernel<SkinnyArguments> kernel = !hasPackets || !fewHavePackets ? SkinnyMatmul.Rows1
            : areShort ? SkinnyMatmul.ShortRows4
            : SkinnyMatmul.Rows4;
        int vectors = Parts(arguments.K, kernel == SkinnyMatmul.Rows4 ? FourLanes.Width : 1);
        skinny.Lanes = (int)BitOperations.RoundUpToPowerOf2(
            (uint)Math.Clamp(vectors, SkinnyMatmul.Lines, BlockReduce.WarpSize));
        int perBlock = kernel == SkinnyMatmul.ShortRows4
            ? gpu.BlockSize(kernel)
            : gpu.BlockSize(kernel) / skinny.Lanes * SkinnyMatmul.Lines;
        Launch(
            kernel, skinny, Parts(skinny.WideLines, perBlock), Parts(skinny.NarrowLines, SkinnyMatmul.Lines), batch);
        copy?.Release();
    }

    void SkinnyColumns(MatmulArguments arguments, bool wideIsA, bool hasPackets, int batch)
    {
        var skinny = SkinnyArguments.Of(arguments, wideIsA);
        int groups = Parts(skinny.NarrowLines, SkinnyMatmul.Lines);
        Kernel<SkinnyArguments> kernel = hasPackets && skinny.WideLines % FourLanes.Width == 0
            ? SkinnyMatmul.Columns4
            : SkinnyMatmul.Columns1;
        int vectors = skinny.WideLines / (kernel == SkinnyMatmul.Columns4 ? FourLanes.Width : 1);
        long wanted = WantedThreads / ((long)vectors * groups * batch);
        int pieces = skinny.Pieces = (int)Math.Clamp(wanted, 1, Math.Max(skinny.K / ShortestRun, 1));
        (skinny.NarrowC, skinny.BatchC) = (skinny.WideLines, (long)skinny.NarrowLines * skinny.WideLines);
        DeviceBuffer sums = gpu.Pool.Rent(batch * pieces * skinny.BatchC * sizeof(float));
        skinny.Epilogue.C = sums.Address;
        Launch(kernel, skinny, Parts(checked(vectors * pieces), gpu.BlockSize(kernel)), groups, batch);
        if (pieces > MostPieces)
        {
            DeviceBuffer total = gpu.Pool.Rent(batch * skinny.BatchC * sizeof(float));
            gpu.Reduction.Sum(
                batch, pieces, skinny.BatchC, new View(sums.Address, batch * pieces * skinny.BatchC, DType.Float32),
                new View(total.Address, batch * skinny.BatchC, DType.Float32));
            sums.Release();
            (sums, pieces) = (total, 1);
        }
        Finish(
            arguments, sums, wideIsA ? 1 : skinny.WideLines, wideIsA ? skinny.WideLines : 1, skinny.BatchC, pieces,
            batch);
    }

    /// <summary>At most 8 products a sum; see <see cref="ShortMatmul"/>.</summary>
    void Short(MatmulArguments arguments, Matrix b, int batch)
    {
        DeviceBuffer? copy = null;
        bool hasPackets = HasPackets(arguments, batch);
        if (hasPackets && b.Transposed)
        {
            copy = _operands.Turned(ref b, batch);
            arguments = WithB(arguments, b);
        }
        hasPackets &= MatmulOperands.HasPackets(b, isKMajor: false, batch);
        Kernel<ShortArguments> kernel = hasPackets ? ShortMatmul.Packets : ShortMatmul.Elements;
        int vectors = arguments.N / (hasPackets ? FourLanes.Width : 1), threads = gpu.BlockSize(kernel);
        var product = new ShortArguments
        {
            Product = arguments,
            Across = (int)Math.Min(threads, BitOperations.RoundUpToPowerOf2((uint)vectors)),
        };
        int tiles = Parts(vectors, product.Across), rows = threads / product.Across;
        int down = (int)Math.Clamp(gpu.FullGrid / ((long)tiles * batch), 1, Parts(arguments.M, rows));
        for (; product.Product.FirstMatrix < batch; product.Product.FirstMatrix += LargestGridZ)
            gpu.Launch(kernel, product, down, tiles, Math.Min(LargestGridZ, batch - product.Product.FirstMatrix));
        copy?.Release();
    }

    /// <summary>Directs a product to scratch memory, as it is.</summary>
    DeviceBuffer Scratch(ref MatmulArguments arguments, int batch)
    {
        DeviceBuffer buffer = gpu.Pool.Rent(batch * arguments.Pieces * arguments.BatchC * sizeof(float));
        arguments.Epilogue = new EpilogueOperands { C = buffer.Address };
        arguments.Form = EpilogueForm.Plain;
        return buffer;
    }

    /// <summary>Adds the pieces in scratch memory, applies the epilogue, and gives the memory back.</summary>
    void Finish(MatmulArguments product, DeviceBuffer sums, long line, long step, long matrix, int pieces, int batch)
    {
        product = product with
        {
            A = sums.Address,
            LineA = line,
            StepA = step,
            BatchA = pieces * matrix,
            Pieces = pieces,
        };
        bool hasPackets = step == 1 && line % FourLanes.Width == 0 && HasPackets(product, batch);
        Kernel<MatmulArguments> kernel = hasPackets ? MatmulFinish.Packets : MatmulFinish.Elements;
        int blocks = Blocks(kernel, (long)product.M * product.N / (hasPackets ? FourLanes.Width : 1));
        for (; product.FirstMatrix < batch; product.FirstMatrix += LargestGridZ)
            gpu.Launch(kernel, product, blocks, 1, Math.Min(LargestGridZ, batch - product.FirstMatrix));
        sums.Release();
    }

    /// <summary>
    /// Of the tiles that fit into a block's shared memory, are filled by more than half, and of which there are enough:
    /// the one with which the busiest multiprocessor has least to do, where a smaller tile, which reads more from L2,
    /// must save a tenth. If there is none, the smallest of all. 4,096 x 768 are 132 tiles of 192 x 128, one for each
    /// multiprocessor.
    /// </summary>
    internal TileKernels Tile(MatmulRung rung, Matrix a, Matrix c, int batch)
    {
        ReadOnlySpan<TileKernels> tiles = rung == MatmulRung.Registers ? TiledKernels.Float32
            : gpu.Precision == Precision.BFloat16 && gpu.HasWarpgroups ? TiledKernels.BFloat16OfHopper
            : gpu.Precision == Precision.BFloat16 ? TiledKernels.BFloat16
            : TiledKernels.Tf32;
        TileKernels? best = null;
        double least = double.PositiveInfinity;
        foreach (TileKernels tile in tiles[..^1])
        {
            long count = tile.Count(c.Rows, c.Columns) * batch;
            bool fits = tile.Nn.SharedBytes <= gpu.SharedBytesPerBlock && tile.Takes(!a.Transposed);
            if (!fits || c.Columns <= tile.Columns / 2 || count < WantedTiles) continue;
            double work = Math.Ceiling((double)count / Multiprocessors) * tile.Rows * tile.Columns;
            if (work < 0.9 * least) (best, least) = (tile, work);
        }
        return best ?? tiles[^1];
    }

    /// <summary>Launches for all matrices of a batch, as many at once as a grid may have.</summary>
    void Launch(Kernel<MatmulArguments> kernel, MatmulArguments arguments, int blocks, int batch)
    {
        int most = LargestGridZ / arguments.Pieces;
        for (; arguments.FirstMatrix < batch; arguments.FirstMatrix += most)
            gpu.Launch(kernel, arguments, blocks, 1, Math.Min(most, batch - arguments.FirstMatrix) * arguments.Pieces);
    }

    void Launch(Kernel<SkinnyArguments> kernel, SkinnyArguments arguments, int blocks, int groups, int batch)
    {
        for (; arguments.FirstMatrix < batch; arguments.FirstMatrix += LargestGridZ)
            gpu.Launch(kernel, arguments, blocks, groups, Math.Min(LargestGridZ, batch - arguments.FirstMatrix));
    }

    static MatmulArguments WithA(MatmulArguments arguments, Matrix a) => arguments with
    {
        A = a.Data.Address,
        LineA = a.Transposed ? 1 : a.RowStride,
        StepA = a.Transposed ? a.RowStride : 1,
        BatchA = a.BatchStride,
    };

    static MatmulArguments WithB(MatmulArguments arguments, Matrix b) => arguments with
    {
        B = b.Data.Address,
        LineB = b.Transposed ? b.RowStride : 1,
        StepB = b.Transposed ? 1 : b.RowStride,
        BatchB = b.BatchStride,
    };

    static MatmulArguments Arguments(Matrix a, Matrix b, Matrix c, Epilogue epilogue) => WithB(WithA(new()
    {
        BatchC = c.BatchStride,
        RowC = c.RowStride,
        Epilogue = new EpilogueOperands
        {
            C = c.Data.Address,
            IsHalf = c.Data.Type == DType.BFloat16 ? 1 : 0,
            Bias = epilogue.Bias.Address,
            PreActivation = epilogue.PreActivation.Address,
            Residual = epilogue.Accumulate ? c.Data.Address : epilogue.Residual.Address,
        },
        Form = EpilogueForm.Of(epilogue),
        M = c.Rows,
        N = c.Columns,
        K = a.Columns,
        Pieces = 1,
        PieceSteps = a.Columns,
    }, a), b);

    /// <summary>Whether C and what is laid out like it consist of whole, aligned packets.</summary>
    static bool HasPackets(MatmulArguments a, int batch) =>
        a.N % FourLanes.Width == 0 && a.RowC % FourLanes.Width == 0 && (batch == 1 || a.BatchC % FourLanes.Width == 0)
        && a.Epilogue.C % (FourLanes.Width * (a.Epilogue.IsHalf != 0 ? sizeof(ushort) : sizeof(float))) == 0
        && (a.Epilogue.Bias | a.Epilogue.PreActivation | (a.Epilogue.Residual == a.Epilogue.C ? 0 : a.Epilogue.Residual))
            % (FourLanes.Width * sizeof(float)) == 0;

    static bool CanFold(Matrix a, Matrix b, Matrix c, int batch) =>
        b.BatchStride == 0 && !a.Transposed && a.BatchStride == a.Rows * a.RowStride
        && c.BatchStride == c.Rows * c.RowStride && (long)batch * c.Rows <= int.MaxValue;

    int Blocks(Kernel kernel, long threads) =>
        (int)Math.Min((threads + gpu.BlockSize(kernel) - 1) / gpu.BlockSize(kernel), gpu.FullGrid);

    static int Parts(int whole, int part) => (int)(((long)whole + part - 1) / part);
}
