namespace Cfr.Kernels.Cpu;

/// <summary>
/// Weights as the direct kernel reads them: panels of up to P output channels, each <c>[tap][in channel][P]</c>, the missing
/// channels of the last panel filled with zeros. A run of taps along W is then one contiguous run, as it is in x.
/// Every weight is read and written once: nothing beside the convolution, except where it has few voxels.
/// </summary>
static unsafe class ConvolutionWeights
{
    /// <summary>Width of panel <paramref name="panel"/>: two vectors, or one where one holds all the channels left.</summary>
    public static int Width(int channels, int panel, int panelWidth) =>
        channels - panel * panelWidth <= panelWidth / 2 ? panelWidth / 2 : panelWidth;

    public static int Panels(int channels, int panelWidth) => (channels + panelWidth - 1) / panelWidth;

    /// <summary>Channels with the zeros behind them.</summary>
    public static long Padded(int channels, int panelWidth)
    {
        int last = Panels(channels, panelWidth) - 1;
        return (long)last * panelWidth + Width(channels, last, panelWidth);
    }

    /// <summary>One panel from weights [KD, KH, KW, in channels, out channels] of the convolution.</summary>
    public static void Pack(ConvolutionPass pass, Extent kernel, int panel, int panelWidth, float* w, float* panels)
    {
        int width = Width(pass.OutChannels, panel, panelWidth), first = panel * panelWidth;
        int lanes = Math.Min(width, pass.OutChannels - first);
        float* target = panels + pass.PanelStart + pass.Steps * first;
        foreach (long tap in new Taps(pass, kernel))
            for (int c = 0; c < pass.InChannels; c++, target += width)
            {
                float* source = w + (tap * pass.InChannels + c) * pass.OutChannels + first;
                for (int lane = 0; lane < lanes; lane++) target[lane] = source[lane];
                for (int lane = lanes; lane < width; lane++) target[lane] = 0;
            }
    }

    /// <summary>
    /// The same from weights [KD, KH, KW, out channels, in channels], as the input gradient sees them: a lane reads
    /// one contiguous row.
    /// </summary>
    public static void PackTransposed(
        ConvolutionPass pass, Extent kernel, int panel, int panelWidth, float* w, float* panels)
    {
        int width = Width(pass.OutChannels, panel, panelWidth), first = panel * panelWidth;
        int lanes = Math.Min(width, pass.OutChannels - first);
        float* target = panels + pass.PanelStart + pass.Steps * first;
        foreach (long tap in new Taps(pass, kernel))
        {
            for (int lane = 0; lane < width; lane++)
            {
                float* source = w + (tap * pass.OutChannels + first + lane) * pass.InChannels;
                for (int c = 0; c < pass.InChannels; c++) target[(long)c * width + lane] = lane < lanes ? source[c] : 0;
            }
            target += (long)pass.InChannels * width;
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
                        yield return ((long)pass.TapsD.At(d) * kernel.H + pass.TapsH.At(h)) * kernel.W + pass.TapsW.At(w);
        }
    }
}
