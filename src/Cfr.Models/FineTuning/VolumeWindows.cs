using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Volumes of tokens cut into windows of w x w x w, and put together again (Swin, Liu 2021; Video Swin, Liu 2022).
/// Windows that hang over the end of an axis are filled up with zeros. Shifted windows begin w / 2 tokens further on:
/// the volume is rolled, so that what leaves it at one end comes back at the other, and a mask keeps what does not
/// belong together apart.
/// </summary>
public sealed class VolumeWindows
{
    const int SlabsPerAxis = 3;
    const float Apart = -100;

    readonly int _size, _shift;

    internal VolumeWindows(int size, bool shifted) => (_size, _shift) = (size, shifted ? size / 2 : 0);

    /// <summary>
    /// [B, D, H, W, C] -> [windows B, w, w, w, C]: window after window, along D, H, then W, each with all of the batch.
    /// </summary>
    internal Tensor Cut(Tensor volume)
    {
        using Scope scope = volume.Session.Scope();
        Tensor whole = Filled(_shift == 0 ? volume : Rolled(volume, _shift));
        int batch = volume.Size(0), channels = volume.Size(4);
        var (d, h, w) = Windows(volume.Shape);
        Tensor windows = whole.Reshape(batch, d, _size, h, _size, w, _size, channels).Permute(1, 3, 5, 0, 2, 4, 6, 7);
        return scope.Return(windows.Reshape(-1, _size, _size, _size, channels));
    }

    /// <summary>The inverse: windows of a volume of that shape, channels aside, put together.</summary>
    internal Tensor Join(Tensor windows, Shape volume)
    {
        using Scope scope = windows.Session.Scope();
        int batch = volume[0], channels = windows.Size(4);
        var (d, h, w) = Windows(volume);
        Tensor whole = windows.Reshape(d, h, w, batch, _size, _size, _size, channels).Permute(3, 0, 4, 1, 5, 2, 6, 7)
            .Reshape(batch, d * _size, h * _size, w * _size, channels);
        for (int axis = 1; axis <= 3; axis++)
            if (whole.Size(axis) > volume[axis]) whole = whole.Slice(axis, 0, volume[axis]);
        return scope.Return(_shift == 0 ? whole : Rolled(whole, -_shift));
    }

    /// <summary>
    /// What is added to the logits of shifted windows: -100 between tokens that the roll has brought together, 0
    /// between others. On each axis of n tokens, after the roll, three slabs belong together, [0, n - w), [n - w, n -
    /// w / 2) and [n - w / 2, n).   [windows, 1, w^3, w^3]; null for windows that are not shifted
    /// </summary>
    /// <exception cref="ArgumentException">A shifted volume is not made of whole windows.</exception>
    public Tensor? Mask(Session session, int depth, int height, int width)
    {
        if (_shift == 0) return null;
        if (depth % _size != 0 || height % _size != 0 || width % _size != 0)
        {
            throw new ArgumentException(
                $"shifted windows of {_size} tokens do not fill a grid of {depth} x {height} x {width}; "
                + $"expected multiples of {_size}");
        }
        using Scope scope = session.Scope();
        const int Regions = SlabsPerAxis * SlabsPerAxis * SlabsPerAxis;
        float[] member = new float[(long)depth * height * width * Regions];
        int at = 0;
        for (int d = 0; d < depth; d++)
            for (int h = 0; h < height; h++)
                for (int w = 0; w < width; w++, at += Regions)
                {
                    int region = (Slab(d, depth) * SlabsPerAxis + Slab(h, height)) * SlabsPerAxis + Slab(w, width);
                    member[at + region] = 1;
                }
        // The product of two tokens' memberships is 1 in the same region, else 0.
        int tokens = _size * _size * _size;
        Tensor rolled = session.Tensor(member, [1, depth, height, width, Regions]);
        Tensor members = new VolumeWindows(_size, shifted: false).Cut(rolled).Reshape(-1, tokens, Regions);
        Tensor together = members.Matmul(members, transposeB: true);
        return scope.Return(together.Affine(-Apart, Apart).Reshape(-1, 1, tokens, tokens));

        int Slab(int i, int n) => i < n - _size ? 0 : i < n - _shift ? 1 : 2;
    }

    (int D, int H, int W) Windows(Shape volume)
    {
        return (Count(volume[1]), Count(volume[2]), Count(volume[3]));

        int Count(int tokens) => (tokens + _size - 1) / _size;
    }

    Tensor Filled(Tensor volume)
    {
        var (d, h, w) = Windows(volume.Shape);
        int[] missing = [d * _size - volume.Size(1), h * _size - volume.Size(2), w * _size - volume.Size(3)];
        return missing.All(count => count == 0)
            ? volume
            : volume.Pad([(0, 0), (0, missing[0]), (0, missing[1]), (0, missing[2]), (0, 0)]);
    }

    /// <summary>Token i comes from i + shift, along all three axes and around the end.</summary>
    static Tensor Rolled(Tensor volume, int shift)
    {
        for (int axis = 1; axis <= 3; axis++)
        {
            int size = volume.Size(axis), first = (shift % size + size) % size;
            volume = volume.Slice(axis, first, size - first).Concat(axis, volume.Slice(axis, 0, first));
        }
        return volume;
    }
}
