namespace Cfr.Kernels.Cpu;

/// <summary>
/// The weight gradient of a convolution of stride 1 with 3 taps along W, by the transposed <see cref="Winograd{V}"/>: for
/// each of the four products
///   du[kd, kh, c, :] = sum over pairs of outputs of v[pair + (kd, kh), c] dm[pair, :]
/// and then dg = (du0 + (du1 + du2) / 2, (du1 - du2) / 2, (du1 + du2) / 2 + du3): 2/3 of the direct multiply-adds.
///
/// The output rows are cut into blocks, neighbours along h of one plane, whose values fit into L1, and the blocks, d
/// first, into chunks; each chunk has a du of its own, and these are summed at the end, chunk after chunk. A piece of
/// work is a chunk, a product and a group of input channels: it transforms only what it needs itself.
/// </summary>
readonly unsafe struct WinogradWeightGradient<V>(
    ConvolutionShape shape, float* x, float* dy, float* dw, float* partials)
    where V : struct, IVector<V>
{
    const int Products = 4, Taps = 3, MostRows = 6;

    /// <summary>
    /// Floats of a block's values for one tap: few enough for L1, enough for the loads and stores of a tile to vanish.
    /// </summary>
    const int FloatsInBlock = 8192;

    /// <summary>Input channels of a group, at most (if vectors are not wider).</summary>
    const int ChannelsInGroup = 32;

    /// <summary>Chunks are small, so that the pieces of the four products find x and dy in L3.</summary>
    const int MostChunks = 64;

    /// <summary>Bytes that the chunks' own du may take: they are written and read once more.</summary>
    const long PartialBytes = 4 << 20;

    readonly ConvolutionShape _shape = shape;
    readonly float* _x = x, _dy = dy, _dw = dw, _partials = partials;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    int Panels => ConvolutionWeights<V>.Panels(_shape.OutChannels);

    int Pairs => Winograd<V>.Pairs(_shape.Output.W);

    int RowsInBlock => Math.Clamp(
        FloatsInBlock / ((MostChannels + PanelWidth) * Pairs), 1, _shape.Output.H);

    int BlocksInPlane => (_shape.Output.H + RowsInBlock - 1) / RowsInBlock;

    long Blocks => (long)_shape.Batch * BlocksInPlane * _shape.Output.D;

    int Groups => (_shape.InChannels + ChannelsInGroup - 1) / ChannelsInGroup;

    /// <summary>Rows (kd, kh, c) of du, and of dw for each kw.</summary>
    public long WeightRows => (long)_shape.Kernel.D * _shape.Kernel.H * _shape.InChannels;

    long ProductFloats => WeightRows * ConvolutionWeights<V>.Padded(_shape.OutChannels);

    int Chunks => (int)Math.Clamp(
        Math.Min(Blocks, PartialBytes / (Products * ProductFloats * sizeof(float))), 1, MostChunks);

    /// <summary>Floats of the chunks' own du.</summary>
    public long PartialFloats => Chunks * Products * ProductFloats;

    public int Pieces => Chunks * Products * Groups;

    WinogradSource Source(int first, int last) => new(
        (nint)(_x + first), _shape.Input, _shape.InChannels, last - first, Winograd<V>.Padded(last - first),
        _shape.Kernel,
        new Extent(-_shape.Padding.D, -_shape.Padding.H, -_shape.Padding.W), Pairs, RowsInBlock);

    /// <summary>Input channels of the largest group.</summary>
    int MostChannels => (_shape.InChannels + Groups - 1) / Groups;

    long PanelFloats => (long)RowsInBlock * Pairs * PanelWidth;

    int ZeroFloats => Math.Max(MostChannels, PanelWidth);

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public long ScratchBytes =>
        (ZeroFloats + Panels * PanelFloats + Source(0, MostChannels).SlotFloats(1)) * sizeof(float);

    public void Run(nint memory, int piece)
    {
        (piece, int group) = (piece / Groups, piece % Groups);
        (int chunk, int product) = (piece / Products, piece % Products);
        int firstChannel = (int)((long)_shape.InChannels * group / Groups);
        int lastChannel = (int)((long)_shape.InChannels * (group + 1) / Groups);
        float* du = _partials + (chunk * Products + product) * ProductFloats;
        float* zeros = (float*)memory, packed = zeros + ZeroFloats;
        new Span<float>(zeros, ZeroFloats).Clear();
        var planes = new WinogradPlanes<V>(
            packed + Panels * PanelFloats, zeros, Source(firstChannel, lastChannel), product, 1);
        Clear(du, firstChannel, lastChannel);

        long firstBlock = Blocks * chunk / Chunks, lastBlock = Blocks * (chunk + 1) / Chunks;
        for (long block = firstBlock; block < lastBlock; block++)
        {
            (long column, int d) = (block / _shape.Output.D, (int)(block % _shape.Output.D));
            (long n, int h) = (column / BlocksInPlane, (int)(column % BlocksInPlane) * RowsInBlock);
            int rows = Math.Min(RowsInBlock, _shape.Output.H - h);
            planes.Advance(n, d, d == 0 || block == firstBlock, h, rows);
            for (int panel = 0; panel < Panels; panel++)
            {
                Pack(product, n, d, h, rows, panel, zeros, packed + panel * PanelFloats);
                for (int kd = 0; kd < _shape.Kernel.D; kd++)
                    for (int kh = 0; kh < _shape.Kernel.H && planes.Reads(d, kd); kh++)
                    {
                        var run = new VoxelRun { X = planes.At(d, kd, kh, product), Voxel = 0, Count = rows * Pairs };
                        long row = (long)(kd * _shape.Kernel.H + kh) * _shape.InChannels + firstChannel;
                        Tap(run, panel, lastChannel - firstChannel, row, packed + panel * PanelFloats, du);
                    }
            }
        }
    }

    /// <summary>dw from the chunks' du, for rows [begin, end) of (kd, kh, c).</summary>
    public void Combine(long begin, long end)
    {
        V half = V.Splat(0.5f);
        for (int panel = 0; panel < Panels; panel++)
        {
            int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel), first = panel * PanelWidth;
            for (long row = begin; row < end; row++)
                for (int lane = 0; lane < width; lane += V.Width)
                {
                    float* part = _partials + WeightRows * first + row * width + lane;
                    V du0 = Sum(part), du1 = Sum(part + ProductFloats);
                    V du2 = Sum(part + 2 * ProductFloats), du3 = Sum(part + 3 * ProductFloats);
                    V ends = (du1 + du2) * half;
                    (long tap, long c) = (row / _shape.InChannels, row % _shape.InChannels);
                    float* target = _dw + (tap * Taps * _shape.InChannels + c) * _shape.OutChannels + first + lane;
                    long step = (long)_shape.InChannels * _shape.OutChannels;
                    int lanes = _shape.OutChannels - first - lane;
                    PartialVector<V>.Store(du0 + ends, target, lanes);
                    PartialVector<V>.Store((du1 - du2) * half, target + step, lanes);
                    PartialVector<V>.Store(ends - du3, target + 2 * step, lanes);
                }
        }
    }

    V Sum(float* part)
    {
        V sum = V.Load(part);
        for (int chunk = 1; chunk < Chunks; chunk++) sum += V.Load(part + chunk * Products * ProductFloats);
        return sum;
    }

    void Clear(float* du, int firstChannel, int lastChannel)
    {
        for (int panel = 0; panel < Panels; panel++)
        {
            int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel);
            for (int tap = 0; tap < _shape.Kernel.D * _shape.Kernel.H; tap++)
            {
                long row = (long)tap * _shape.InChannels + firstChannel;
                new Span<float>(
                    du + WeightRows * panel * PanelWidth + row * width, (lastChannel - firstChannel) * width).Clear();
            }
        }
    }

    /// <summary>One panel of dm for the rows of a block, pair after pair.</summary>
    void Pack(int product, long n, int d, int h, int rows, int panel, float* zeros, float* packed)
    {
        int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel), first = panel * PanelWidth;
        int lanes = Math.Min(width, _shape.OutChannels - first);
        for (int row = h; row < h + rows; row++, packed += Pairs * width)
        {
            long voxel = ((n * _shape.Output.D + d) * _shape.Output.H + row) * _shape.Output.W;
            Winograd<V>.Transform(
                Winograd<V>.OutputGradients(product), _dy + voxel * _shape.OutChannels + first, _shape.Output.W,
                _shape.OutChannels, 0, Pairs, lanes, zeros, packed);
        }
    }

    /// <summary>Adds a block to the rows of du of one tap (kd, kh).</summary>
    void Tap(VoxelRun run, int panel, int channels, long row, float* packed, float* du)
    {
        int width = ConvolutionWeights<V>.Width(_shape.OutChannels, panel);
        int tiles = (channels + MostRows - 1) / MostRows;
        for (int tile = 0; tile < tiles; tile++)
        {
            int at = channels * tile / tiles, height = channels * (tile + 1) / tiles - at;
            float* target = du + WeightRows * panel * PanelWidth + (row + at) * width;
            if (width == PanelWidth)
                WeightGradientTile<V>.Run<Two>(height, &run, 1, at, Winograd<V>.Padded(channels), packed, true, target, width);
            else
                WeightGradientTile<V>.Run<One>(height, &run, 1, at, Winograd<V>.Padded(channels), packed, true, target, width);
        }
    }
}
