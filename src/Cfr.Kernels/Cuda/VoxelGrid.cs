using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Finds batch entry, voxel and channel (or packet of channels) of an index into <c>[Batch, D, H, W, C]</c>.</summary>
struct VoxelGrid(Extent extent, int channels)
{
    public Divisor D = new(extent.D), H = new(extent.H), W = new(extent.W), Channels = new(channels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VoxelPlace Locate(VoxelGrid grid, int index)
    {
        int voxel = index / grid.Channels, row = voxel / grid.W, plane = row / grid.H, batch = plane / grid.D;
        return new VoxelPlace
        {
            Batch = batch,
            D = plane - batch * grid.D.Value,
            H = row - plane * grid.H.Value,
            W = voxel - row * grid.W.Value,
            Channel = index - voxel * grid.Channels.Value,
        };
    }
}

/// <summary>A place in a <see cref="VoxelGrid"/>.</summary>
struct VoxelPlace
{
    public int Batch, D, H, W, Channel;
}
