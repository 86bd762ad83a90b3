using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A box of outputs of a one-channel convolution (stride 1), and the input below it as rows in shared memory: all that
/// the taps reach, zeros outside the input.
/// <code>
///   row (d, h) of (TileD + KernelD - 1) x (TileH + KernelH - 1):  RowFloats neighbours along W
/// </code>
/// </summary>
struct OneChannelTile
{
    public Extent Input, Output, Padding;

    /// <summary>Outputs of a tile.</summary>
    public int TileD, TileH, TileW;

    /// <summary>Where tiles lie.</summary>
    public VoxelGrid Tiles;

    public int KernelD, KernelH, RowFloats;

    /// <summary>Rows of a plane in shared memory.</summary>
    public Divisor RowsOfPlane;

    public OneChannelTile(ConvolutionShape shape, Extent tile, int rowFloats)
    {
        (Input, Output, Padding) = (shape.Input, shape.Output, shape.Padding);
        (TileD, TileH, TileW, RowFloats) = (tile.D, tile.H, tile.W, rowFloats);
        (KernelD, KernelH) = (shape.Kernel.D, shape.Kernel.H);
        TilesOf = new Extent(Parts(Output.D, TileD), Parts(Output.H, TileH), Parts(Output.W, TileW));
        Tiles = new VoxelGrid(TilesOf, 1);
        RowsOfPlane = new Divisor(TileH + KernelH - 1);
    }

    /// <summary>How many tiles there are along each axis.</summary>
    public Extent TilesOf;

    public readonly int Bytes => (TileD + KernelD - 1) * RowsOfPlane.Value * RowFloats * sizeof(float);

    /// <summary>Copies the input below a tile, moved along W, to shared memory. The caller waits and meets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(SharedBytes shared, uint target, OneChannelTile t, long x, VoxelPlace tile, int moved)
    {
        int lane = Group.IdxX & 31, warps = Group.DimX >> 5, rows = (t.TileD + t.KernelD - 1) * t.RowsOfPlane.Value;
        int firstD = tile.D * t.TileD - t.Padding.D, firstH = tile.H * t.TileH - t.Padding.H;
        int firstW = tile.W * t.TileW - t.Padding.W + moved;
        for (int row = Group.IdxX >> 5; row < rows; row += warps)
        {
            int plane = row / t.RowsOfPlane, d = firstD + plane, h = firstH + row - plane * t.RowsOfPlane.Value;
            bool inside = d >= 0 && d < t.Input.D && h >= 0 && h < t.Input.H;
            long line = ((long)tile.Batch * t.Input.D + d) * t.Input.H + h;
            long source = x + (line * t.Input.W + firstW) * 4;
            uint place = target + (uint)(row * t.RowFloats) * 4;
            for (int i = lane; i < t.RowFloats; i += 32)
            {
                int w = firstW + i;
                Ptx.CopyAsync4(
                    shared, place + (uint)i * 4, source + i * 4L, inside && w >= 0 && w < t.Input.W ? 4 : 0);
            }
        }
        Ptx.CommitCopies();
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
