namespace Cfr.Kernels.Cpu;

/// <summary>
/// dw[k, c, :] = sum over output voxels o of x[o stride + k - padding, c] dy[o, :]. FLOP as the forward pass; dw is
/// small, and blocks of voxels short enough for L2 serve all of it, so x and dy come from memory once.
///
/// The voxels are split into chunks, each with a dw of its own that is summed at the end, chunk after chunk. In
/// channels-last data the rows (kw, c) of dw for one (kd, kh) are contiguous in x; they are cut into tiles. A piece of
/// work is a chunk and a range of these tiles. Within it the loops are
///   block of output rows -> tile -> panel of output channels -> voxels of the block.
/// Rows of x are copied where they need padding along W; a tile's part of x is copied where voxels lie far apart.
/// </summary>
readonly unsafe struct WeightGradient<V>(ConvolutionShape shape, float* x, float* dy, float* dw, float* partials)
    where V : struct, IVector<V>
{
    const int MostRows = 6;

    /// <summary>Floats of a gathered voxel.</summary>
    const int GatherStep = 8;

    /// <summary>Voxels of a block: enough for the loads and stores of a tile to vanish.</summary>
    const int VoxelsInBlock = 320;

    /// <summary>Bytes of a block's dy, at most.</summary>
    const int BytesInBlock = 256 << 10;

    /// <summary>Floats from voxel to voxel from which on the lines of x crowd into few sets of L1.</summary>
    const int FarApart = 128;

    /// <summary>
    /// Pieces of work if the shape allows: a constant, so that sums do not depend on the number of threads.
    /// </summary>
    const int PiecesWanted = 32;

    /// <summary>Bytes that the chunks' own dw may take: they are written and read once more.</summary>
    const long PartialBytes = 1 << 20;

    readonly ConvolutionShape _shape = shape;
    readonly float* _x = x, _dy = dy, _dw = dw, _partials = partials;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    int Panels => ConvolutionWeights<V>.Panels(_shape.OutChannels);

    /// <summary>Rows (kd, kh, kw, c) of dw.</summary>
    public long WeightRows => _shape.Kernel.Voxels * _shape.InChannels;

    public long PartialFloats => WeightRows * ConvolutionWeights<V>.Padded(_shape.OutChannels);

    long VoxelRows => (long)_shape.Batch * _shape.Output.D * _shape.Output.H;

    int RowsInBlock => Math.Max(
        1, Math.Min(VoxelsInBlock, BytesInBlock / sizeof(float) / _shape.OutChannels) / Math.Max(1, _shape.Output.W));

    long Blocks => (VoxelRows + RowsInBlock - 1) / RowsInBlock;

    public int Chunks => (int)Math.Clamp(
        Math.Min(Blocks, PartialBytes / (PartialFloats * sizeof(float))), 1, PiecesWanted);

    /// <summary>
    /// One chunk of whole panels is its own sum: the tiles go to dw itself, row after row of all channels.
    /// </summary>
    public bool IsDirect => Chunks == 1 && _shape.OutChannels % PanelWidth == 0;

    int TilesInRun => (RunLength + MostRows - 1) / MostRows;

    int Tiles => _shape.Kernel.D * _shape.Kernel.H * TilesInRun;

    public int TileGroups => Math.Min(Tiles, (PiecesWanted + Chunks - 1) / Chunks);

    int RunLength => _shape.Kernel.W * _shape.InChannels;

    int XStep => _shape.Stride.W * _shape.InChannels;

    /// <summary>Floats of x that a row of output voxels reads.</summary>
    long XRowFloats => (_shape.Output.W - 1L) * XStep + RunLength;

    bool ReadsPadding =>
        _shape.Padding.W > 0 || (_shape.Output.W - 1L) * _shape.Stride.W + _shape.Kernel.W > _shape.Input.W;

    /// <summary>Whether voxels lie so far apart that a tile's x would fall out of L1 between panels.</summary>
    bool GathersX => XStep >= FarApart;

    long BlockVoxels => (long)RowsInBlock * _shape.Output.W;

    long GatheredFloats => GathersX ? BlockVoxels * GatherStep : 0;

    long RowFloats => ReadsPadding ? RowsInBlock * XRowFloats : 0;

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public long ScratchBytes => 2L * RowsInBlock * sizeof(VoxelRun) +
        (GatheredFloats + RowFloats + BlockVoxels * PanelWidth * Panels) * sizeof(float);

    /// <summary>Chunk <paramref name="chunk"/>'s sum, for the tiles of group <paramref name="group"/>.</summary>
    public void Run(nint memory, int chunk, int group)
    {
        var runs = (VoxelRun*)memory;
        VoxelRun* gatheredRuns = runs + RowsInBlock;
        float* gathered = (float*)(gatheredRuns + RowsInBlock);
        float* rows = gathered + GatheredFloats, packed = rows + RowFloats;
        long panelFloats = BlockVoxels * PanelWidth;

        int firstTile = (int)((long)Tiles * group / TileGroups);
        int lastTile = (int)((long)Tiles * (group + 1) / TileGroups);
        long firstBlock = Blocks * chunk / Chunks, lastBlock = Blocks * (chunk + 1) / Chunks;
        for (long block = firstBlock; block < lastBlock; block++)
        {
            long begin = block * RowsInBlock, end = Math.Min(begin + RowsInBlock, VoxelRows);
            for (int panel = 0; panel < Panels; panel++)
                Pack(panel, begin * _shape.Output.W, end * _shape.Output.W, packed + panel * panelFloats);
            int tap = -1, count = 0;
            for (int tile = firstTile; tile < lastTile; tile++)
            {
                if (tile / TilesInRun != tap)
                {
                    tap = tile / TilesInRun;
                    count = Runs(begin, end, tap / _shape.Kernel.H, tap % _shape.Kernel.H, rows, runs);
                }
                long inRun = tile % TilesInRun, at = inRun * RunLength / TilesInRun;
                int height = (int)((inRun + 1) * RunLength / TilesInRun - at);
                var part = new XPart(runs, count, at, XStep);
                if (GathersX) part = Gather(part, height, gathered, gatheredRuns);
                for (int panel = 0; panel < Panels; panel++)
                {
                    Tile(
                        chunk, panel, (long)tap * RunLength + at, height, part, packed + panel * panelFloats,
                        block > firstBlock);
                }
            }
        }
    }

    /// <summary>dw = the sum of the chunks' own, in their order, for weight rows [begin, end).</summary>
    public void Combine(long begin, long end)
    {
        for (int panel = 0; panel < Panels; panel++)
        {
            int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel), first = panel * PanelWidth;
            for (long row = begin; row < end; row++)
                for (int lane = 0; lane < width; lane += V.Width)
                {
                    float* part = _partials + WeightRows * first + row * width + lane;
                    V sum = V.Load(part);
                    for (int chunk = 1; chunk < Chunks; chunk++) sum += V.Load(part + chunk * PartialFloats);
                    PartialVector<V>.Store(
                        sum, _dw + row * _shape.OutChannels + first + lane, _shape.OutChannels - first - lane);
                }
        }
    }

    void Tile(int chunk, int panel, long row, int height, XPart x, float* gradients, bool add)
    {
        int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel);
        int step = IsDirect ? _shape.OutChannels : width;
        float* target = row * step + (IsDirect
            ? _dw + panel * PanelWidth
            : _partials + chunk * PartialFloats + WeightRows * panel * PanelWidth);
        if (width == PanelWidth)
            WeightGradientTile<V>.Run<Two>(height, x.Runs, x.Count, x.Shift, x.Step, gradients, add, target, step);
        else
            WeightGradientTile<V>.Run<One>(height, x.Runs, x.Count, x.Shift, x.Step, gradients, add, target, step);
    }

    /// <summary>
    /// A run for each output row whose row of x exists for (kd, kh); voxels count from the block's first.
    /// </summary>
    int Runs(long begin, long end, int kd, int kh, float* rows, VoxelRun* runs)
    {
        int count = 0;
        for (long row = begin; row < end; row++)
        {
            long plane = row / _shape.Output.H, n = plane / _shape.Output.D;
            long d = plane % _shape.Output.D * _shape.Stride.D + kd - _shape.Padding.D;
            long h = row % _shape.Output.H * _shape.Stride.H + kh - _shape.Padding.H;
            if (d < 0 || d >= _shape.Input.D || h < 0 || h >= _shape.Input.H) continue;
            float* start = _x + ((n * _shape.Input.D + d) * _shape.Input.H + h) * _shape.Input.W * _shape.InChannels;
            if (ReadsPadding)
            {
                long length = (long)_shape.Input.W * _shape.InChannels, before = (long)_shape.Padding.W * _shape.InChannels;
                ClippedCopy<V>.Run(start, length, -before, XRowFloats, rows);
                start = rows;
                rows += XRowFloats;
            }
            long voxel = (row - begin) * _shape.Output.W;
            runs[count++] = new VoxelRun { X = start, Voxel = voxel, Count = _shape.Output.W };
        }
        return count;
    }

    /// <summary>Copies a tile's values of x, voxel after voxel.</summary>
    static XPart Gather(XPart x, int height, float* gathered, VoxelRun* runs)
    {
        for (int i = 0; i < x.Count; i++)
        {
            VoxelRun run = x.Runs[i];
            runs[i] = run with { X = gathered };
            float* source = run.X + x.Shift;
            for (long voxel = 0; voxel < run.Count; voxel++, source += x.Step, gathered += GatherStep)
            {
                if (height == MostRows)
                {
                    Lanes4.Load(source).Store(gathered);
                    *(double*)(gathered + 4) = *(double*)(source + 4);
                    continue;
                }
                for (int row = 0; row < height; row++) gathered[row] = source[row];
            }
        }
        return new XPart(runs, x.Count, 0, GatherStep);
    }

    /// <summary>One panel of dy, voxel after voxel, zeros in the missing channels.</summary>
    void Pack(int panel, long begin, long end, float* packed)
    {
        int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel), first = panel * PanelWidth;
        int lanes = Math.Min(width, _shape.OutChannels - first);
        float* source = _dy + begin * _shape.OutChannels + first;
        for (long voxel = begin; voxel < end; voxel++, packed += width, source += _shape.OutChannels)
        {
            if (lanes == width)
            {
                for (int lane = 0; lane < width; lane += V.Width) V.Load(source + lane).Store(packed + lane);
                continue;
            }
            for (int lane = 0; lane < width; lane += V.Width) V.Splat(0).Store(packed + lane);
            for (int lane = 0; lane < lanes; lane++) packed[lane] = source[lane];
        }
    }

    /// <summary>Values of x for a tile: voxel v of run r begins at r.X + Shift + v Step.</summary>
    readonly struct XPart(VoxelRun* runs, int count, long shift, long step)
    {
        public readonly VoxelRun* Runs = runs;
        public readonly int Count = count;
        public readonly long Shift = shift, Step = step;
    }
}
