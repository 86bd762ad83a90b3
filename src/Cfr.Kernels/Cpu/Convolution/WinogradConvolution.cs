namespace Cfr.Kernels.Cpu;

/// <summary>
/// A pass of stride 1 with 3 taps along W by <see cref="Winograd{V}"/>: 2/3 of the direct kernel's multiply-adds.
///
/// The output is cut into blocks of neighbouring rows (h) whose transformed input fits into L2 for the planes (d) that
/// the kernel spans. A piece of work is a block, a range of output planes that it walks through, and a range of panels of
/// output channels. Within it the loops are
///   output plane -> transform the input plane that is new -> panel -> group of pairs -> product -> tile -> (kd, kh) -> in
///   channel.
/// The products of a group stay in L1 until they are added to outputs.
/// </summary>
readonly unsafe struct WinogradConvolution<V, TActivation>(
    ConvolutionPass pass, float* x, float* weights, float* bias, float* y)
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    const int Products = 4, MostRows = 6;

    /// <summary>Pairs whose products are computed before they are added: several tiles use the same weights.</summary>
    const int PairsInGroup = 48;

    /// <summary>Bytes of transformed input that a block may take in L2.</summary>
    const long BytesInBlock = 320 << 10;

    /// <summary>Pieces of work if the shape allows.</summary>
    const int PiecesWanted = 32;

    /// <summary>Output planes in a piece, at least: its first one transforms all planes that it sees.</summary>
    const int PlanesInPiece = 4;

    readonly ConvolutionPass _pass = pass;
    readonly float* _x = x, _weights = weights, _bias = bias, _y = y;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    int Panels => ConvolutionWeights<V>.Panels(_pass.OutChannels);

    int Pairs => Winograd<V>.Pairs(_pass.Output.W);

    int PairFloats => Winograd<V>.Padded(_pass.InChannels);

    int Blocks
    {
        get
        {
            long row = (long)_pass.Kernel.D * Products * Pairs * PairFloats * sizeof(float);
            int most = (int)Math.Clamp(BytesInBlock / row - (_pass.Kernel.H - 1), 1, _pass.Output.H);
            return (_pass.Output.H + most - 1) / most;
        }
    }

    int RowsInBlock => (_pass.Output.H + Blocks - 1) / Blocks;

    int Ranges => Math.Clamp(
        PiecesWanted / (_pass.Batch * Blocks), 1, Math.Max(1, _pass.Output.D / PlanesInPiece));

    int PanelGroups => Math.Clamp(PiecesWanted / (_pass.Batch * Blocks * Ranges), 1, Panels);

    public int Pieces => checked(_pass.Batch * Blocks * Ranges * PanelGroups);

    int MostRuns => _pass.Kernel.D * _pass.Kernel.H;

    WinogradSource Source => new(
        (nint)_x, _pass.Input, _pass.InChannels, _pass.InChannels, PairFloats, _pass.Kernel, _pass.Offset, Pairs,
        RowsInBlock);

    long ZeroFloats => Math.Max(_pass.InChannels, PanelWidth);

    long ProductFloats => PairsInGroup * PanelWidth;

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public long ScratchBytes => Products * MostRuns * sizeof(WeightRun) +
        (ZeroFloats + Products * ProductFloats + Source.SlotFloats(Products)) * sizeof(float);

    public void Run(nint memory, int piece)
    {
        (piece, int group) = (piece / PanelGroups, piece % PanelGroups);
        (piece, int range) = (piece / Ranges, piece % Ranges);
        (int n, int block) = (piece / Blocks, piece % Blocks);
        int h = (int)((long)_pass.Output.H * block / Blocks);
        int rows = (int)((long)_pass.Output.H * (block + 1) / Blocks) - h;
        int firstPlane = (int)((long)_pass.Output.D * range / Ranges);
        int lastPlane = (int)((long)_pass.Output.D * (range + 1) / Ranges);

        var runs = (WeightRun*)memory;
        float* zeros = (float*)(runs + Products * MostRuns), products = zeros + ZeroFloats;
        new Span<float>(zeros, (int)ZeroFloats).Clear();
        var planes = new WinogradPlanes<V>(products + Products * ProductFloats, zeros, Source, 0, Products);
        for (int d = firstPlane; d < lastPlane; d++)
        {
            planes.Advance(n, d, d == firstPlane, h, rows);
            float* target = _y + _pass.OutStart + n * _pass.OutBatch + d * _pass.OutD + h * _pass.OutH;
            int lastPanel = Panels * (group + 1) / PanelGroups;
            for (int panel = Panels * group / PanelGroups; panel < lastPanel; panel++)
            {
                if (ConvolutionWeights<V>.Width(_pass.OutChannels, panel) == PanelWidth)
                    Panel<Two>(planes, d, rows * Pairs, panel, runs, zeros, products, target);
                else
                    Panel<One>(planes, d, rows * Pairs, panel, runs, zeros, products, target);
            }
        }
    }

    void Panel<TVectors>(
        WinogradPlanes<V> planes, int d, int pairs, int panel, WeightRun* runs, float* zeros, float* products, float* y)
        where TVectors : struct, ITileSize
    {
        int width = TVectors.Value * V.Width, count = 0;
        for (int product = 0; product < Products; product++) count = Runs(planes, d, panel, width, product, runs);
        int groups = (pairs + PairsInGroup - 1) / PairsInGroup;
        for (int group = 0; group < groups; group++)
        {
            int first = (int)((long)pairs * group / groups), last = (int)((long)pairs * (group + 1) / groups);
            int tiles = (last - first + MostRows - 1) / MostRows;
            for (int product = 0; product < Products; product++)
                for (int tile = 0; tile < tiles; tile++)
                {
                    int at = (last - first) * tile / tiles, height = (last - first) * (tile + 1) / tiles - at;
                    ConvolutionTile<V, NoActivation>.Run<TVectors>(
                        height, runs + product * MostRuns, count, (long)(first + at) * PairFloats,
                        PairFloats, zeros, products + product * ProductFloats + at * width, width);
                }
            Outputs(first, last, panel * PanelWidth, width, products, y);
        }
    }

    /// <summary>The taps (kd, kh) of one product; X is that of the block's first pair.</summary>
    int Runs(WinogradPlanes<V> planes, int d, int panel, int width, int product, WeightRun* runs)
    {
        int count = 0;
        long tapFloats = (long)_pass.InChannels * width;
        float* weights = _weights + Products * MostRuns * ((long)_pass.InChannels * panel * PanelWidth) +
            product * MostRuns * tapFloats;
        for (int kd = 0; kd < _pass.Kernel.D; kd++)
            for (int kh = 0; kh < _pass.Kernel.H && planes.Reads(d, kd); kh++)
            {
                runs[product * MostRuns + count++] = new WeightRun
                {
                    X = planes.At(d, kd, kh, product),
                    Weights = weights + (kd * _pass.Kernel.H + kh) * tapFloats,
                    Length = _pass.InChannels,
                };
            }
        return count;
    }

    /// <summary>y = act(bias + sums of products) for the pairs [first, last) of the block.</summary>
    void Outputs(int first, int last, int channel, int width, float* products, float* y)
    {
        int h = first / Pairs, w = first % Pairs * 2;
        float* left = y + h * _pass.OutH + w * _pass.OutW + channel;
        for (int pair = first; pair < last; pair++, products += width)
        {
            for (int lane = 0; lane < width; lane += V.Width)
            {
                V m1 = V.Load(products + ProductFloats + lane), m2 = V.Load(products + 2 * ProductFloats + lane);
                V start = V.Load(_bias + channel + lane);
                int lanes = _pass.OutChannels - channel - lane;
                PartialVector<V>.Store(
                    TActivation.Apply(start + (V.Load(products + lane) + (m1 + m2))), left + lane, lanes);
                if (w + 1 == _pass.Output.W) continue;
                PartialVector<V>.Store(
                    TActivation.Apply(start + (m1 - m2 - V.Load(products + 3 * ProductFloats + lane))),
                    left + _pass.OutW + lane, lanes);
            }
            w += 2;
            left += 2 * _pass.OutW;
            if (w < _pass.Output.W) continue;
            w = 0;
            left = y + ++h * _pass.OutH + channel;
        }
    }
}
