using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Depthwise convolution of volumes: each channel with a kernel of its own, stride 1, zeros around, as many voxels
/// after as before.
///   x [N, D, H, W, C], weight [kD, kH, kW, 1, C], odd, bias [C] or none -> y [N, D, H, W, C]
///   y[o] = bias + sum over taps k: x[o + k - (kernel - 1) / 2] w[k], channel by channel
///   dx[i] = sum over taps k: dy[i - k + (kernel - 1) / 2] w[k]      dw[k] = sum over o: x[..] dy[o]      db = sum dy
/// </summary>
public static class DepthwiseConv3dOp
{
    /// <summary>Each channel convolved with its own kernel.</summary>
    public static Tensor DepthwiseConv3d(this Tensor x, Tensor weight, Tensor? bias = null)
    {
        const string Op = nameof(DepthwiseConv3d);
        Session session = Session.Common(Op, x, weight, bias);
        Expect.Shape(Op, nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        int channels = x.Size(4);
        Expect.Shape(Op, nameof(weight), weight, Expect.Any, Expect.Any, Expect.Any, 1, channels);
        if (weight.Shape[..3].Any(size => size % 2 == 0))
            throw Expect.Mismatch(Op, nameof(weight), weight, "odd sizes of the kernel");
        if (bias is not null) Expect.Shape(Op, nameof(bias), bias, channels);

        var grid = new Bordered(Op, x.Shape, weight.Shape);
        Tensor y = session.Empty(x.Shape);
        grid.Convolve(x, weight, mirrored: false, y);
        if (bias is not null && y.Count > 0)
        {
            var perChannel = new Broadcast(1, y.Count / channels, channels, 0, 0, 1);
            session.Device.ElementWise.Binary(BinaryOp.Add, perChannel, y.View, bias.View, y.View);
        }
        Tensor?[] keep = [weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null];
        return y.Record(Op, [x, weight, bias], keep, backward: g =>
        {
            Tensor dy = g.OfResult;
            g.Add(0, () =>
            {
                Tensor dx = session.Empty(dy.Shape);
                grid.Convolve(dy, g.Kept(1), mirrored: true, dx);
                return dx;
            });
            g.Add(1, () => grid.WeightGradient(g.Kept(0), dy));
            g.AddSumOfVoxels(2);
        });
    }

    /// <summary>
    /// Volumes with a border of zeros as one long row of voxels. A tap is then a distance along the row, the same for
    /// every voxel, so that it costs one pass over the row. What is computed on the border is left out in the end.
    /// </summary>
    sealed class Bordered
    {
        readonly string _op;
        readonly Shape _inside, _outside, _kernel;
        readonly int _channels;
        readonly long _first, _voxels;

        public Bordered(string op, Shape volume, Shape kernel)
        {
            (_op, _inside, _kernel, _channels) = (op, volume, kernel, volume[4]);
            int depth = volume[1] + kernel[0] - 1, height = volume[2] + kernel[1] - 1;
            _outside = [volume[0], depth, height, volume[3] + kernel[2] - 1, volume[4]];
            _first = Distance(_kernel[0] / 2, _kernel[1] / 2, _kernel[2] / 2);
            _voxels = volume.Count == 0 ? 0 : _outside[..4].Count - 2 * _first;
        }

        /// <summary>Voxels from one to the next along the row, for a step along each axis.</summary>
        long Distance(int d, int h, int w) => ((long)d * _outside[2] + h) * _outside[3] + w;

        /// <summary>Each tap and how far from the voxel it lies.</summary>
        IEnumerable<(int Tap, long Distance)> Taps()
        {
            int tap = 0;
            for (int d = 0; d < _kernel[0]; d++)
                for (int h = 0; h < _kernel[1]; h++)
                    for (int w = 0; w < _kernel[2]; w++)
                        yield return (tap++, Distance(d, h, w) - _first);
        }

        public void Convolve(Tensor x, Tensor weight, bool mirrored, Tensor y)
        {
            if (_voxels == 0) return;
            Session session = x.Session;
            using Scope scope = session.Scope();
            Tensor row = Surrounded(x), product = session.Empty([checked((int)_voxels), _channels]);
            Tensor sum = session.Empty(_outside);
            View inside = Run(sum, 0);
            var perChannel = new Broadcast(1, _voxels, _channels, 0, 0, 1);
            foreach (var (tap, distance) in Taps())
            {
                View shifted = Run(row, mirrored ? -distance : distance);
                View w = weight.View.Slice((long)tap * _channels, _channels);
                View target = tap == 0 ? inside : product.View;
                session.Device.ElementWise.Binary(BinaryOp.Multiply, perChannel, shifted, w, target);
                if (tap > 0) session.Device.ElementWise.AddScaled(product.View, 1, inside);
            }
            Box.Copy(_op, session.Device, _inside, inside, _outside.Strides(), y.View, _inside.Strides());
        }

        public Tensor WeightGradient(Tensor x, Tensor dy)
        {
            Session session = x.Session;
            if (_voxels == 0) return session.Zeros(_kernel);
            Tensor dw = session.Empty(_kernel);
            using Scope scope = session.Scope();
            Tensor row = Surrounded(x), upstream = Surrounded(dy);
            Tensor product = session.Empty([checked((int)_voxels), _channels]);
            foreach (var (tap, distance) in Taps())
            {
                View shifted = Run(row, distance), target = dw.View.Slice((long)tap * _channels, _channels);
                session.Device.ElementWise.Binary(
                    BinaryOp.Multiply, Broadcast.None(product.Count), shifted, Run(upstream, 0), product.View);
                session.Device.Reduction.Sum(1, _voxels, _channels, product.View, target);
            }
            return dw;
        }

        /// <summary>The part of a row between the first voxel inside and the last one, moved by a distance.</summary>
        View Run(Tensor row, long distance) => row.View.Slice((_first + distance) * _channels, _voxels * _channels);

        Tensor Surrounded(Tensor volume)
        {
            Tensor row = volume.Session.Zeros(_outside);
            View inside = row.View.Slice(_first * _channels);
            Device device = volume.Session.Device;
            Box.Copy(_op, device, _inside, volume.View, _inside.Strides(), inside, _outside.Strides());
            return row;
        }
    }
}
