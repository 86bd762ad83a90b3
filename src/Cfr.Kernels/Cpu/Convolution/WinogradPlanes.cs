namespace Cfr.Kernels.Cpu;

/// <summary>
/// The input of a block of output rows (n, one d after the other, h from First on), transformed by <see
/// cref="Winograd{V}.Transform"/>: for each of the KD planes that an output plane sees a slot of [product, row, pair,
/// channel]. Rows follow each other without padding, so that the pairs of all rows of the block are one long row, whose
/// inputs for tap kh begin kh rows later. A plane stays in its slot while the output plane moves on.
/// </summary>
readonly unsafe struct WinogradPlanes<V>(float* slots, float* zeros, WinogradSource source, int firstProduct, int products)
    where V : struct, IVector<V>
{
    readonly WinogradSource _source = source;
    readonly float* _slots = slots, _zeros = zeros;
    readonly int _firstProduct = firstProduct, _products = products;

    /// <summary>Makes ready what output plane <paramref name="d"/> adds to the one before it.</summary>
    /// <param name="n">The volume.</param>
    /// <param name="d">The output plane.</param>
    /// <param name="isFirst">Whether nothing of the block is there yet.</param>
    /// <param name="h">The block's first output row.</param>
    /// <param name="rows">Its rows.</param>
    public void Advance(long n, int d, bool isFirst, int h, int rows)
    {
        for (int kd = isFirst ? 0 : _source.Kernel.D - 1; kd < _source.Kernel.D; kd++)
            if (Reads(d, kd)) Fill(n, d + kd + _source.Offset.D, h, rows, Slot(d, kd));
    }

    /// <summary>Whether tap kd of output plane d lies inside x.</summary>
    public bool Reads(int d, int kd) => (uint)(d + kd + _source.Offset.D) < (uint)_source.Input.D;

    /// <summary>The values that tap (kd, kh) of output plane d multiplies, for the first pair of the block.</summary>
    public float* At(int d, int kd, int kh, int product) =>
        Slot(d, kd) + (product - _firstProduct) * _source.ProductFloats + kh * _source.RowFloats;

    float* Slot(int d, int kd) => _slots + (d + kd) % _source.Kernel.D * _products * _source.ProductFloats;

    void Fill(long n, int d, int h, int rows, float* slot)
    {
        for (int r = 0; r < rows + _source.Kernel.H - 1; r++)
        {
            int inRow = h + r + _source.Offset.H;
            float* target = slot + r * _source.RowFloats;
            bool inside = (uint)inRow < (uint)_source.Input.H;
            float* row = _source.X +
                ((n * _source.Input.D + d) * _source.Input.H + inRow) * _source.Input.W * _source.Step;
            for (int product = _firstProduct; product < _firstProduct + _products; product++)
            {
                if (inside)
                {
                    Winograd<V>.Transform(
                        Winograd<V>.Inputs(product), row, _source.Input.W, _source.Step, _source.Offset.W,
                        _source.Pairs, _source.Channels, _zeros, target);
                }
                else
                {
                    new Span<float>(target, _source.RowFloats).Clear();
                }
                target += _source.ProductFloats;
            }
        }
    }
}

/// <summary>What <see cref="WinogradPlanes{V}"/> reads: channels of x, a kernel over them, rows of a block.</summary>
/// <param name="Address">Of the input's first voxel, the channels wanted first.</param>
/// <param name="Input">Its size.</param>
/// <param name="Step">Floats from voxel to voxel.</param>
/// <param name="Channels">Channels wanted.</param>
/// <param name="PairFloats">Floats of a transformed pair: the channels as whole vectors.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Offset">Minus the padding.</param>
/// <param name="Pairs">Pairs of outputs in a row.</param>
/// <param name="Rows">Output rows of a block, at most.</param>
readonly unsafe record struct WinogradSource(
    nint Address, Extent Input, int Step, int Channels, int PairFloats, Extent Kernel, Extent Offset, int Pairs, int Rows)
{
    public float* X => (float*)Address;

    /// <summary>Floats of a transformed row of one product.</summary>
    public int RowFloats => Pairs * PairFloats;

    /// <summary>Floats of one product of a slot.</summary>
    public long ProductFloats => (long)(Rows + Kernel.H - 1) * RowFloats;

    /// <summary>Floats of all slots.</summary>
    public long SlotFloats(int products) => Kernel.D * products * ProductFloats;
}
