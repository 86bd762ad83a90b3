namespace Cfr.Kernels.Cpu;

/// <summary>
/// The direct convolution: no patches are gathered, the register tile walks over x itself. FLOP 2 taps Cin Cout a voxel; bytes
/// 4 (Cin + Cout) a voxel from memory, so a 3x3x3 layer of 16 channels has 108 FLOP/B and is bound by arithmetic; x comes
/// from L1 and L2 for all but its first use.
///
/// A piece of work is a range of output rows (n, d, h) and a range of panels of output channels. Within it the loops are
///   panel -> part of the sum whose weights stay in L1 -> row -> tile along W.
/// Taps outside x along D and H are left out row by row; tiles that touch the ends of a row read a copy with zeros.
/// </summary>
readonly unsafe struct DirectConvolution<V, TActivation>(ConvolutionPass pass, float* x, float* panels, float* bias, float* y)
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    /// <summary>Weights of one part of the sum: 448 steps of 16 floats are 28 KB.</summary>
    const int StepsInL1 = 448;

    public static int PanelWidth => 2 * V.Width;

    readonly ConvolutionPass _pass = pass;
    readonly float* _x = x, _panels = panels + pass.PanelStart, _bias = bias, _y = y;

    int RunLength => _pass.Kernel.W * _pass.InChannels;

    /// <summary>A run too long for L1 is cut into parts.</summary>
    int PartsOfRun => Math.Max(1, (RunLength + StepsInL1 - 1) / StepsInL1);

    int Units => _pass.Kernel.D * _pass.Kernel.H * PartsOfRun;

    int LongestPart => (RunLength + PartsOfRun - 1) / PartsOfRun;

    /// <summary>Floats of a border tile's copy of x, for one unit.</summary>
    long BorderFloats =>
        (ConvolutionTile<V, TActivation>.MostRows - 1L) * _pass.Stride.W * _pass.InChannels + LongestPart;

    /// <summary>Output rows [begin, end) of panels [firstPanel, lastPanel).</summary>
    public void Run(BufferPool pool, long begin, long end, int firstPanel, int lastPanel)
    {
        int units = Units;
        long runBytes = 2L * units * sizeof(WeightRun);
        long tileFloats = ConvolutionTile<V, TActivation>.MostRows * PanelWidth;
        DeviceBuffer scratch = pool.Rent(runBytes + (tileFloats + units * BorderFloats) * sizeof(float));
        var piece = new Scratch(scratch.Address, units, tileFloats);
        for (int panel = firstPanel; panel < lastPanel; panel++)
        {
            if (ConvolutionWeights.Width(_pass.OutChannels, panel, PanelWidth) == PanelWidth)
                Panel<Two>(panel, begin, end, units, piece);
            else
                Panel<One>(panel, begin, end, units, piece);
        }
        scratch.Release();
    }

    void Panel<TVectors>(int panel, long begin, long end, int units, Scratch scratch) where TVectors : struct, ITileSize
    {
        bool whole = (panel + 1) * PanelWidth <= _pass.OutChannels;
        int together = whole ? Math.Max(1, StepsInL1 / Math.Max(1, LongestPart)) : Math.Max(1, units);
        int first = 0;
        do
        {
            int last = Math.Min(first + together, units);
            for (long row = begin; row < end; row++)
            {
                if (last == units)
                    Row<TVectors, TActivation>(panel, row, first, last, whole, scratch);
                else
                    Row<TVectors, NoActivation>(panel, row, first, last, whole, scratch);
            }
            first = last;
        }
        while (first < units);
    }

    void Row<TVectors, TOut>(int panel, long row, int firstUnit, int lastUnit, bool whole, Scratch scratch)
        where TVectors : struct, ITileSize
        where TOut : struct, IActivation
    {
        const int MostRows = ConvolutionTile<V, TOut>.MostRows;
        int width = TVectors.Value * V.Width, channel = panel * PanelWidth;
        var (n, od, oh) = Position(row);
        int count = Runs(n, od, oh, panel, width, firstUnit, lastUnit, scratch.Runs);
        float* y = _y + _pass.OutStart + n * _pass.OutBatch + od * _pass.OutD + oh * _pass.OutH + channel;
        long rowStep = (long)_pass.Stride.W * _pass.InChannels, rowLength = (long)_pass.Input.W * _pass.InChannels;
        int tiles = (_pass.Output.W + MostRows - 1) / MostRows;
        for (int tile = 0; tile < tiles; tile++)
        {
            int at = (int)((long)tile * _pass.Output.W / tiles), rows = (int)((tile + 1L) * _pass.Output.W / tiles) - at;
            int left = at * _pass.Stride.W + _pass.Offset.W;
            int right = left + (rows - 1) * _pass.Stride.W + _pass.Kernel.W;
            WeightRun* runs = scratch.Runs;
            long shift = at * rowStep;
            if (left < 0 || right > _pass.Input.W)
            {
                runs = Border(rowLength, shift, (rows - 1) * rowStep, count, scratch);
                shift = 0;
            }
            float* target = whole ? y + at * _pass.OutW : scratch.Tile;
            long targetStep = whole ? _pass.OutW : width;
            float* start = firstUnit == 0 ? _bias + channel : target;
            ConvolutionTile<V, TOut>.Run<TVectors>(
                rows, runs, count, shift, rowStep, start, firstUnit == 0 ? 0 : targetStep, target, targetStep);
            if (!whole) CopyLanes(rows, _pass.OutChannels - channel, width, scratch.Tile, y + at * _pass.OutW);
        }
    }

    (long N, int D, int H) Position(long row)
    {
        long plane = row / _pass.Output.H;
        return (plane / _pass.Output.D, (int)(plane % _pass.Output.D), (int)(row % _pass.Output.H));
    }

    /// <summary>The runs of a row's sum, those outside x along D and H left out; X is that of voxel 0 of the row.</summary>
    int Runs(long n, int od, int oh, int panel, int width, int firstUnit, int lastUnit, WeightRun* runs)
    {
        int parts = PartsOfRun, longest = LongestPart, count = 0;
        float* weights = _panels + _pass.Steps * panel * PanelWidth;
        for (int unit = firstUnit; unit < lastUnit; unit++)
        {
            int tap = unit / parts, from = unit % parts * longest;
            int d = od * _pass.Stride.D + tap / _pass.Kernel.H + _pass.Offset.D;
            int h = oh * _pass.Stride.H + tap % _pass.Kernel.H + _pass.Offset.H;
            if (d < 0 || d >= _pass.Input.D || h < 0 || h >= _pass.Input.H) continue;
            long voxel = ((n * _pass.Input.D + d) * _pass.Input.H + h) * _pass.Input.W + _pass.Offset.W;
            runs[count++] = new WeightRun
            {
                X = _x + voxel * _pass.InChannels + from,
                Weights = weights + ((long)tap * RunLength + from) * width,
                Length = Math.Min(longest, RunLength - from),
                InRow = (long)_pass.Offset.W * _pass.InChannels + from,
            };
        }
        return count;
    }

    /// <summary>The same runs for a tile that reaches into the padding: over a copy of its part of x, zeros included.</summary>
    WeightRun* Border(long rowLength, long shift, long beforeLastRow, int count, Scratch scratch)
    {
        float* copy = scratch.Border;
        for (int i = 0; i < count; i++)
        {
            WeightRun run = scratch.Runs[i];
            long floats = beforeLastRow + run.Length;
            ClippedCopy<V>.Run(run.X - run.InRow, rowLength, run.InRow + shift, floats, copy);
            run.X = copy;
            scratch.BorderRuns[i] = run;
            copy += floats;
        }
        return scratch.BorderRuns;
    }

    /// <summary>The lanes of the last panel that are channels.</summary>
    void CopyLanes(int rows, int lanes, int width, float* tile, float* y)
    {
        for (int row = 0; row < rows; row++)
            for (int lane = 0; lane < lanes; lane++)
                y[row * _pass.OutW + lane] = tile[row * width + lane];
    }

    /// <summary>A piece's own memory.</summary>
    readonly struct Scratch(nint address, int units, long tileFloats)
    {
        public readonly WeightRun* Runs = (WeightRun*)address;
        public readonly WeightRun* BorderRuns = (WeightRun*)address + units;
        public readonly float* Tile = (float*)((WeightRun*)address + 2 * units);
        public readonly float* Border = (float*)((WeightRun*)address + 2 * units) + tileFloats;
    }
}
