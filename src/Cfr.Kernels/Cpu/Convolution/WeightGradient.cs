namespace Cfr.Kernels.Cpu;

/// <summary>
/// dw[k, c, :] = sum over output voxels o of x[o stride + k - padding, c] dy[o, :]. FLOP as the forward pass; dw is small, and
/// blocks of voxels short enough for L1 and L2 serve all of it, so x and dy come from memory once.
///
/// The voxels are split into chunks, each with a dw of its own that is summed at the end, chunk after chunk; a piece of work is
/// a chunk and a range of panels of output channels. Within it the loops are
///   block of output rows -> (kd, kh) -> panel -> tile of rows (kw, c) of dw -> voxels of the block.
/// In channels-last data the rows (kw, c) of a voxel are contiguous in x. Rows of x are copied where they need padding along W.
/// </summary>
readonly unsafe struct WeightGradient<V>(ConvolutionShape shape, float* x, float* dy, float* dw, float* partials)
    where V : struct, IVector<V>
{
    /// <summary>Voxels of a block: enough for the loads and stores of a tile to vanish, few enough for L1.</summary>
    const int VoxelsInBlock = 320;

    /// <summary>Pieces of work if the shape allows: a constant, so that sums do not depend on the number of threads.</summary>
    const int PiecesWanted = 32;

    const int MostRows = 6;

    /// <summary>Bytes that the chunks' own dw may take: they are written and read once more.</summary>
    const long PartialBytes = 1 << 20;

    readonly ConvolutionShape _shape = shape;
    readonly float* _x = x, _dy = dy, _dw = dw, _partials = partials;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    int Panels => ConvolutionWeights<V>.Panels(_shape.OutChannels);

    /// <summary>Rows (kd, kh, kw, c) of dw.</summary>
    long WeightRows => _shape.Kernel.Voxels * _shape.InChannels;

    public long PartialFloats => WeightRows * ConvolutionWeights<V>.Padded(_shape.OutChannels);

    long VoxelRows => (long)_shape.Batch * _shape.Output.D * _shape.Output.H;

    int RowsInBlock => Math.Max(1, VoxelsInBlock / Math.Max(1, _shape.Output.W));

    long Blocks => (VoxelRows + RowsInBlock - 1) / RowsInBlock;

    public int Chunks => (int)Math.Clamp(
        Math.Min(Blocks, PartialBytes / (PartialFloats * sizeof(float))), 1, PiecesWanted);

    /// <summary>One chunk of whole panels is its own sum: the tiles go to dw itself, row after row of all channels.</summary>
    public bool IsDirect => Chunks == 1 && _shape.OutChannels % PanelWidth == 0;

    public int PanelGroups => Math.Min(Panels, (PiecesWanted + Chunks - 1) / Chunks);

    int RunLength => _shape.Kernel.W * _shape.InChannels;

    int XStep => _shape.Stride.W * _shape.InChannels;

    /// <summary>Floats of x that a row of output voxels reads.</summary>
    long XRowFloats => (_shape.Output.W - 1L) * XStep + RunLength;

    bool ReadsPadding =>
        _shape.Padding.W > 0 || (_shape.Output.W - 1L) * _shape.Stride.W + _shape.Kernel.W > _shape.Input.W;

    /// <summary>Chunk <paramref name="chunk"/>'s sum, for the panels of group <paramref name="group"/>.</summary>
    public void Run(BufferPool pool, int chunk, int group)
    {
        int firstPanel = (int)((long)Panels * group / PanelGroups), lastPanel = (int)((long)Panels * (group + 1) / PanelGroups);
        long voxels = (long)RowsInBlock * _shape.Output.W;
        long copied = ReadsPadding ? RowsInBlock * XRowFloats : 0;
        DeviceBuffer scratch = pool.Rent(
            RowsInBlock * sizeof(VoxelRun) + (copied + voxels * (lastPanel - firstPanel) * PanelWidth) * sizeof(float));
        var runs = (VoxelRun*)scratch.Address;
        float* rows = (float*)(runs + RowsInBlock), packed = rows + copied;
        long firstBlock = Blocks * chunk / Chunks, lastBlock = Blocks * (chunk + 1) / Chunks;
        for (long block = firstBlock; block < lastBlock; block++)
        {
            long begin = block * RowsInBlock, end = Math.Min(begin + RowsInBlock, VoxelRows);
            for (int panel = firstPanel; panel < lastPanel; panel++)
                Pack(panel, begin * _shape.Output.W, end * _shape.Output.W, packed + (panel - firstPanel) * voxels * PanelWidth);
            for (int tap = 0; tap < _shape.Kernel.D * _shape.Kernel.H; tap++)
            {
                int count = Runs(begin, end, tap / _shape.Kernel.H, tap % _shape.Kernel.H, rows, runs);
                for (int panel = firstPanel; panel < lastPanel; panel++)
                {
                    int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel);
                    int step = IsDirect ? _shape.OutChannels : width;
                    float* target = IsDirect
                        ? _dw + panel * PanelWidth
                        : _partials + chunk * PartialFloats + WeightRows * panel * PanelWidth;
                    target += (long)tap * RunLength * step;
                    float* gradients = packed + (panel - firstPanel) * voxels * PanelWidth;
                    if (width == PanelWidth)
                        Tiles<Two>(runs, count, gradients, block > firstBlock, target, step);
                    else
                        Tiles<One>(runs, count, gradients, block > firstBlock, target, step);
                }
            }
        }
        scratch.Release();
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
                    PartialVector<V>.Store(sum, _dw + row * _shape.OutChannels + first + lane, _shape.OutChannels - first - lane);
                }
        }
    }

    void Tiles<TVectors>(VoxelRun* runs, int count, float* gradients, bool add, float* dw, int dwStep)
        where TVectors : struct, ITileSize
    {
        int tiles = (RunLength + MostRows - 1) / MostRows;
        for (int tile = 0; tile < tiles; tile++)
        {
            int at = (int)((long)tile * RunLength / tiles), rows = (int)((tile + 1L) * RunLength / tiles) - at;
            WeightGradientTile<V>.Run<TVectors>(
                rows, runs, count, at, XStep, gradients, add, dw + (long)at * dwStep, dwStep);
        }
    }

    /// <summary>A run for each output row whose row of x exists for (kd, kh); voxels count from the block's first.</summary>
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
                ClippedCopy<V>.Run(start, (long)_shape.Input.W * _shape.InChannels, -(long)_shape.Padding.W * _shape.InChannels,
                    XRowFloats, rows);
                start = rows;
                rows += XRowFloats;
            }
            runs[count++] = new VoxelRun { X = start, Voxel = (row - begin) * _shape.Output.W, Count = _shape.Output.W };
        }
        return count;
    }

    /// <summary>One panel of dy, voxel after voxel, zeros in the missing channels.</summary>
    void Pack(int panel, long begin, long end, float* packed)
    {
        int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel), first = panel * PanelWidth;
        int lanes = Math.Min(width, _shape.OutChannels - first);
        for (long voxel = begin; voxel < end; voxel++, packed += width)
        {
            float* source = _dy + voxel * _shape.OutChannels + first;
            for (int lane = 0; lane < width; lane += V.Width)
                PartialVector<V>.Load(source + lane, lanes - lane).Store(packed + lane);
        }
    }
}
