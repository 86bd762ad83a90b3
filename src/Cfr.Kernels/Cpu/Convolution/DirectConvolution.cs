namespace Cfr.Kernels.Cpu;

/// <summary>
/// The direct convolution: no patches are gathered, the register tile walks over x itself. FLOP 2 taps Cin Cout a
/// voxel; bytes 4 (Cin + Cout) a voxel from memory, so a 3x3x3 layer of 16 channels has 108 FLOP/B and is bound by
/// arithmetic. All but the first use of x comes from L1 and L2; so do the weights, 64 bytes for 6 cycles of
/// multiply-adds.
///
/// A piece of work is a range of output rows (n, d, h) and a range of panels of output channels. Within it the loops
/// are
///   panel -> row -> tile along W -> (kd, kh) -> kw and in channel.
/// Taps outside x along D and H are left out row by row; tiles that touch the ends of a row read a copy with zeros.
/// </summary>
readonly unsafe struct DirectConvolution<V, TActivation>(
    ConvolutionPass pass, float* x, float* panels, float* bias, float* y)
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    const int MostRows = 6;

    readonly ConvolutionPass _pass = pass;
    readonly float* _x = x, _panels = panels + pass.PanelStart, _bias = bias, _y = y;

    static int PanelWidth => ConvolutionWeights<V>.PanelWidth;

    int MostRuns => _pass.Kernel.D * _pass.Kernel.H;

    int RunLength => _pass.Kernel.W * _pass.InChannels;

    /// <summary>Floats of x from one voxel of a tile to the next.</summary>
    int RowStep => _pass.Stride.W * _pass.InChannels;

    long TileFloats => MostRows * PanelWidth;

    long BorderFloats => MostRuns * ((MostRows - 1L) * RowStep + RunLength);

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public long ScratchBytes => 2L * MostRuns * sizeof(WeightRun) + (TileFloats + BorderFloats) * sizeof(float);

    /// <summary>Output rows [begin, end) of panels [firstPanel, lastPanel).</summary>
    public void Run(nint memory, long begin, long end, int firstPanel, int lastPanel)
    {
        var scratch = new Scratch(memory, MostRuns, TileFloats);
        for (int panel = firstPanel; panel < lastPanel; panel++)
        {
            bool two = ConvolutionWeights<V>.Width(_pass.OutChannels, panel) == PanelWidth;
            for (long row = begin; row < end; row++)
            {
                if (two)
                    Row<Two>(panel, row, scratch);
                else
                    Row<One>(panel, row, scratch);
            }
        }
    }

    void Row<TVectors>(int panel, long row, Scratch scratch) where TVectors : struct, ITileSize
    {
        int width = TVectors.Value * V.Width, channel = panel * PanelWidth, lanes = _pass.OutChannels - channel;
        (long plane, int oh) = (row / _pass.Output.H, (int)(row % _pass.Output.H));
        (long n, int od) = (plane / _pass.Output.D, (int)(plane % _pass.Output.D));
        int count = Runs(n, od, oh, _panels + _pass.Steps * channel, width, scratch.Runs);
        float* y = _y + _pass.OutStart + n * _pass.OutBatch + od * _pass.OutD + oh * _pass.OutH + channel;
        int tiles = (_pass.Output.W + MostRows - 1) / MostRows;
        for (int tile = 0; tile < tiles; tile++)
        {
            int at = (int)((long)tile * _pass.Output.W / tiles);
            int rows = (int)((tile + 1L) * _pass.Output.W / tiles) - at;
            int left = at * _pass.Stride.W + _pass.Offset.W;
            int right = left + (rows - 1) * _pass.Stride.W + _pass.Kernel.W;
            WeightRun* runs = scratch.Runs;
            long shift = (long)at * RowStep;
            if (left < 0 || right > _pass.Input.W)
            {
                runs = Border(shift, rows, count, scratch);
                shift = 0;
            }
            float* target = y + at * _pass.OutW;
            if (lanes >= width)
            {
                ConvolutionTile<V, TActivation>.Run<TVectors>(
                    rows, runs, count, shift, RowStep, _bias + channel, target, _pass.OutW);
            }
            else
            {
                ConvolutionTile<V, TActivation>.Run<TVectors>(
                    rows, runs, count, shift, RowStep, _bias + channel, scratch.Tile, width);
                CopyLanes(rows, lanes, width, scratch.Tile, target);
            }
        }
    }

    /// <summary>
    /// The runs of a row's sum, those outside x along D and H left out; X is that of voxel 0 of the row.
    /// </summary>
    int Runs(long n, int od, int oh, float* weights, int width, WeightRun* runs)
    {
        int count = 0;
        long inRow = (long)_pass.Offset.W * _pass.InChannels;
        for (int kd = 0; kd < _pass.Kernel.D; kd++)
            for (int kh = 0; kh < _pass.Kernel.H; kh++, weights += (long)RunLength * width)
            {
                int d = od * _pass.Stride.D + kd + _pass.Offset.D, h = oh * _pass.Stride.H + kh + _pass.Offset.H;
                if (d < 0 || d >= _pass.Input.D || h < 0 || h >= _pass.Input.H) continue;
                long row = (n * _pass.Input.D + d) * _pass.Input.H + h;
                runs[count++] = new WeightRun
                {
                    X = _x + row * _pass.Input.W * _pass.InChannels + inRow,
                    Weights = weights,
                    Length = RunLength,
                };
            }
        return count;
    }

    /// <summary>
    /// The same runs for a tile that reaches into the padding: over a copy of its part of x, zeros included.
    /// </summary>
    WeightRun* Border(long shift, int rows, int count, Scratch scratch)
    {
        long inRow = (long)_pass.Offset.W * _pass.InChannels, floats = (rows - 1L) * RowStep + RunLength;
        float* copy = scratch.Border;
        for (int i = 0; i < count; i++, copy += floats)
        {
            WeightRun run = scratch.Runs[i];
            ClippedCopy<V>.Run(run.X - inRow, (long)_pass.Input.W * _pass.InChannels, inRow + shift, floats, copy);
            scratch.BorderRuns[i] = run with { X = copy };
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
    readonly struct Scratch(nint address, int runs, long tileFloats)
    {
        public readonly WeightRun* Runs = (WeightRun*)address;
        public readonly WeightRun* BorderRuns = (WeightRun*)address + runs;
        public readonly float* Tile = (float*)((WeightRun*)address + 2 * runs);
        public readonly float* Border = (float*)((WeightRun*)address + 2 * runs) + tileFloats;
    }
}
