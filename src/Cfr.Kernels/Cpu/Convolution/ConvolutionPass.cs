namespace Cfr.Kernels.Cpu;

/// <summary>
/// Where kernel taps stand in the weights: tap j of a pass is tap <c>First + j * Step</c> of the convolution.
/// </summary>
readonly record struct TapRange(int First, int Step)
{
    public int At(int j) => First + j * Step;
}

/// <summary>
/// What the direct kernel computes, for forward passes and input gradients alike: a convolution whose outputs form a
/// lattice,
///   y[OutStart + n OutBatch + t . OutStep] =
///     act(bias + sum over taps j, channels c: x[t Stride + j + Offset, c] w[tap(j), c, :])
/// Offset is minus the padding. OutStart is the place of lattice point 0 in y; OutBatch, OutD, OutH and OutW lead from
/// there to the next volume or point; PanelStart is the place of the pass's packed weights: all in elements.
/// </summary>
readonly record struct ConvolutionPass(
    int Batch, Extent Input, int InChannels, Extent Output, int OutChannels, Extent Kernel, Extent Stride,
    Extent Offset, TapRange TapsD, TapRange TapsH, TapRange TapsW,
    long OutStart, long OutBatch, long OutD, long OutH, long OutW, long PanelStart)
{
    /// <summary>Output rows (n, d, h): the unit in which work is split.</summary>
    public long Rows => (long)Batch * Output.D * Output.H;

    /// <summary>Length of the sum behind an output.</summary>
    public long Steps => Kernel.Voxels * InChannels;

    /// <summary>y = x * w as it stands.</summary>
    public static ConvolutionPass[] OfForward(ConvolutionShape s)
    {
        (long w, long h) = (s.OutChannels, (long)s.Output.W * s.OutChannels);
        var taps = new TapRange(0, 1);
        return
        [
            new(s.Batch, s.Input, s.InChannels, s.Output, s.OutChannels, s.Kernel, s.Stride,
                new Extent(-s.Padding.D, -s.Padding.H, -s.Padding.W), taps, taps, taps,
                0, s.Output.Voxels * w, s.Output.H * h, h, w, 0),
        ];
    }

    /// <summary>
    /// dx = dy * w^T. Input i meets output o and tap k when i + padding = o stride + k. The i with one remainder r = (i
    /// + padding) mod stride form a lattice, i = stride q + r - padding, and see the taps k = r + stride j alone: o = q
    /// - j, a convolution of stride 1 with the taps in reverse order. One pass for each remainder of each axis.
    /// </summary>
    public static ConvolutionPass[] OfInputGradient<V>(ConvolutionShape s) where V : struct, IVector<V>
    {
        var passes = new List<ConvolutionPass>();
        (long w, long h) = (s.InChannels, (long)s.Input.W * s.InChannels);
        long d = s.Input.H * h, panelStart = 0;
        for (int rd = 0; rd < s.Stride.D; rd++)
            for (int rh = 0; rh < s.Stride.H; rh++)
                for (int rw = 0; rw < s.Stride.W; rw++)
                {
                    var onD = new Remainder(s.Input.D, s.Kernel.D, s.Stride.D, s.Padding.D, rd);
                    var onH = new Remainder(s.Input.H, s.Kernel.H, s.Stride.H, s.Padding.H, rh);
                    var onW = new Remainder(s.Input.W, s.Kernel.W, s.Stride.W, s.Padding.W, rw);
                    var pass = new ConvolutionPass(
                        s.Batch, s.Output, s.OutChannels, new(onD.Points, onH.Points, onW.Points), s.InChannels,
                        new(onD.Taps, onH.Taps, onW.Taps), new(1, 1, 1), new(onD.Offset, onH.Offset, onW.Offset),
                        onD.Range, onH.Range, onW.Range, onD.FirstPoint * d + onH.FirstPoint * h + onW.FirstPoint * w,
                        s.Input.Voxels * w, s.Stride.D * d, s.Stride.H * h, s.Stride.W * w, panelStart);
                    if (pass.Output.Voxels == 0) continue;
                    passes.Add(pass);
                    panelStart += pass.Steps * ConvolutionWeights<V>.Padded(s.InChannels);
                }
        return [.. passes];
    }

    /// <summary>The inputs of one axis with one remainder.</summary>
    readonly struct Remainder(int size, int kernel, int stride, int padding, int remainder)
    {
        public int Taps => remainder < kernel ? (kernel - remainder + stride - 1) / stride : 0;

        int FirstQ => (padding - remainder + stride - 1) / stride;

        public int Points => Math.Max(0, (size + padding - remainder + stride - 1) / stride - FirstQ);

        public int FirstPoint => stride * FirstQ + remainder - padding;

        public int Offset => FirstQ - (Taps - 1);

        public TapRange Range => new(remainder + stride * (Taps - 1), -stride);
    }
}
