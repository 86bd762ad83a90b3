namespace Cfr.Kernels.Cpu;

/// <summary>
/// Weights as the direct kernel reads them: panels of up to P output channels, each <c>[tap][in channel][P]</c>, the
/// missing channels of the last panel filled with zeros. A run of taps along W is then one contiguous run, as it is in
/// x. Every weight is read and written once: nothing beside the convolution, except where it has few voxels.
/// </summary>
static unsafe class ConvolutionWeights<V> where V : struct, IVector<V>
{
    public static int PanelWidth => 2 * V.Width;

    /// <summary>
    /// Width of panel <paramref name="panel"/>: two vectors, or one where one holds all the channels left.
    /// </summary>
    public static int Width(int channels, int panel) =>
        channels - panel * PanelWidth <= PanelWidth / 2 ? PanelWidth / 2 : PanelWidth;

    public static int Panels(int channels) => (channels + PanelWidth - 1) / PanelWidth;

    /// <summary>Channels with the zeros behind them.</summary>
    public static long Padded(int channels)
    {
        int last = Panels(channels) - 1;
        return (long)last * PanelWidth + Width(channels, last);
    }

    /// <summary>One panel from weights [KD, KH, KW, in channels, out channels] of the convolution.</summary>
    public static void Pack(ConvolutionPass pass, Extent kernel, int panel, float* w, float* panels)
    {
        int width = Width(pass.OutChannels, panel), first = panel * PanelWidth;
        int lanes = Math.Min(width, pass.OutChannels - first);
        float* target = panels + pass.PanelStart + pass.Steps * first;
        foreach (long tap in new Taps(pass, kernel))
            for (int c = 0; c < pass.InChannels; c++, target += width)
            {
                float* source = w + (tap * pass.InChannels + c) * pass.OutChannels + first;
                for (int lane = 0; lane < width; lane += V.Width)
                    PartialVector<V>.Load(source + lane, lanes - lane).Store(target + lane);
            }
    }

    /// <summary>
    /// The same from weights [KD, KH, KW, out channels, in channels], as the input gradient sees them: 16 rows are read
    /// side by side, so that what is written is contiguous.
    /// </summary>
    public static void PackTransposed(
        ConvolutionPass pass, Extent kernel, int panel, float* w, float* panels)
    {
        int width = Width(pass.OutChannels, panel), first = panel * PanelWidth;
        int lanes = Math.Min(width, pass.OutChannels - first);
        float* target = panels + pass.PanelStart + pass.Steps * first;
        foreach (long tap in new Taps(pass, kernel))
        {
            float* source = w + (tap * pass.OutChannels + first) * pass.InChannels;
            for (int c = 0; c < pass.InChannels; c++, source++, target += width)
            {
                for (int lane = 0; lane < lanes; lane++) target[lane] = source[(long)lane * pass.InChannels];
                for (int lane = lanes; lane < width; lane++) target[lane] = 0;
            }
        }
    }

    /// <summary>The pass's taps in its order, as places in the convolution's kernel.</summary>
    readonly struct Taps(ConvolutionPass pass, Extent kernel)
    {
        public IEnumerator<long> GetEnumerator()
        {
            for (int d = 0; d < pass.Kernel.D; d++)
                for (int h = 0; h < pass.Kernel.H; h++)
                    for (int w = 0; w < pass.Kernel.W; w++)
                    {
                        long row = (long)pass.TapsD.At(d) * kernel.H + pass.TapsH.At(h);
                        yield return row * kernel.W + pass.TapsW.At(w);
                    }
        }
    }
}
