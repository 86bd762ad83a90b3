using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>A box of voxels: its first corner and its sizes.</summary>
readonly record struct Box(int X, int Y, int Z, GridSize Size);

/// <summary>Grows around the voxels that it is shown.</summary>
sealed class Bounds
{
    int _minX = int.MaxValue, _minY = int.MaxValue, _minZ = int.MaxValue, _maxX = -1, _maxY = -1, _maxZ = -1;

    public void Add(int x, int y, int z)
    {
        _minX = Math.Min(_minX, x);
        _minY = Math.Min(_minY, y);
        _minZ = Math.Min(_minZ, z);
        _maxX = Math.Max(_maxX, x);
        _maxY = Math.Max(_maxY, y);
        _maxZ = Math.Max(_maxZ, z);
    }

    public Box ToBox() => _maxX < 0
        ? default
        : new(_minX, _minY, _minZ, new GridSize(_maxX - _minX + 1, _maxY - _minY + 1, _maxZ - _minZ + 1));
}
