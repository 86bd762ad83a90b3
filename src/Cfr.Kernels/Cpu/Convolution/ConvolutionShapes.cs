namespace Cfr.Kernels.Cpu;

/// <summary>Convolutions that are, on the same memory, simpler convolutions.</summary>
static class ConvolutionShapes
{
    /// <summary>Rows this long leave nothing to be gained from longer ones.</summary>
    const int LongRow = 192;

    extension(ConvolutionShape shape)
    {
        /// <summary>
        /// Windows that tile W: s voxels of C channels are one voxel of s C channels, and the kernel is 1 along W. A
        /// kernel of 1 sees no neighbours: rows and planes are joined to longer rows, which cut better into tiles.
        /// </summary>
        public ConvolutionShape Simplified()
        {
            ConvolutionShape s = shape;
            if (s.Kernel.W > 1 && s.Kernel.W == s.Stride.W && s.Padding.W == 0 && s.Input.W == s.Output.W * s.Stride.W)
            {
                s = s with
                {
                    Input = s.Input with { W = s.Output.W },
                    InChannels = s.InChannels * s.Kernel.W,
                    Kernel = s.Kernel with { W = 1 },
                    Stride = s.Stride with { W = 1 },
                };
            }
            if (s.Kernel == new Extent(1, 1, 1) && s.Stride == new Extent(1, 1, 1) && s.Input == s.Output)
            {
                Extent e = s.Input;
                if (e.W < LongRow) e = new Extent(e.D, 1, e.H * e.W);
                if (e.W < LongRow) e = new Extent(1, 1, e.D * e.W);
                s = s with { Input = e, Output = e };
            }
            return s;
        }
    }
}
