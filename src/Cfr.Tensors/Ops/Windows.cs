using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Images cut into windows of w x w tokens, row by row, and put together again (Swin, Liu 2021; SAM's encoder). Where w
/// does not divide the size, zeros are added below and on the right, and left out again. SAM's encoder here needs no
/// such copies (<see cref="AttentionOp.SelfAttention"/>); they compare it with what the original program has in windows.
///   x [N, H, W, C] -> windows [N h v, w, w, C], h = ceil(H / w), v = ceil(W / w), and back
///   dx = the gradients of the windows put together      dwindows = dy cut into windows
/// </summary>
public static class WindowOps
{
    /// <summary>The windows of an image: [N, H, W, C] -> [N h v, w, w, C].</summary>
    public static Tensor WindowPartition(this Tensor x, int window)
    {
        Expect.Shape(nameof(WindowPartition), nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        var windows = new Windows(nameof(WindowPartition), x.Shape, window);
        return windows.Cut(x).Record(nameof(WindowPartition), [x], keep: [], backward: g =>
            g.Add(0, () => windows.Join(g.OfResult)));
    }

    /// <summary>The image of such windows: [N h v, w, w, C] -> [N, height, width, C].</summary>
    public static Tensor WindowUnpartition(this Tensor x, int height, int width)
    {
        const string Op = nameof(WindowUnpartition);
        Expect.Shape(Op, nameof(x), x, Expect.Any, Expect.Any, Expect.Any, Expect.Any);
        int window = x.Size(1);
        int perImage = new Windows(Op, [1, height, width, x.Size(3)], window).PerImage;
        if (x.Size(2) != window || perImage == 0 || x.Size(0) % perImage != 0)
        {
            throw Expect.Mismatch(
                Op, nameof(x), x, $"square windows of images of {height} x {width}, {perImage} for each");
        }
        var windows = new Windows(Op, [x.Size(0) / perImage, height, width, x.Size(3)], window);
        return windows.Join(x).Record(Op, [x], keep: [], backward: g => g.Add(0, () => windows.Cut(g.OfResult)));
    }

    /// <summary>Where the windows of an image begin.</summary>
    readonly struct Windows
    {
        readonly string _op;
        readonly Shape _image;
        readonly int _size, _down, _across;

        public Windows(string op, Shape image, int size)
        {
            if (size < 1)
                throw new ArgumentException($"{op}: a window of {size} x {size} tokens; expected at least 1 x 1");
            (_op, _image, _size) = (op, image, size);
            _down = (image[1] + size - 1) / size;
            _across = (image[2] + size - 1) / size;
        }

        public int PerImage => checked(_down * _across);

        public Tensor Cut(Tensor image)
        {
            Shape shape = [checked(_image[0] * PerImage), _size, _size, _image[3]];
            bool fills = _image[1] % _size == 0 && _image[2] % _size == 0;
            Tensor windows = fills ? image.Session.Empty(shape) : image.Session.Zeros(shape);
            Copy(image, windows, cut: true);
            return windows;
        }

        public Tensor Join(Tensor windows)
        {
            Tensor image = windows.Session.Empty(_image);
            Copy(image, windows, cut: false);
            return image;
        }

        /// <summary>Whole windows, then the part of those that hang over the right, the lower edge, and both.</summary>
        void Copy(Tensor image, Tensor windows, bool cut)
        {
            int rows = _image[1] / _size, columns = _image[2] / _size;
            int restOfRows = _image[1] % _size, restOfColumns = _image[2] % _size;
            CopyBox(image, windows, cut, (0, rows, _size), (0, columns, _size));
            CopyBox(image, windows, cut, (0, rows, _size), (columns, 1, restOfColumns));
            CopyBox(image, windows, cut, (rows, 1, restOfRows), (0, columns, _size));
            CopyBox(image, windows, cut, (rows, 1, restOfRows), (columns, 1, restOfColumns));
        }

        void CopyBox(
            Tensor image, Tensor windows, bool cut, (int First, int Count, int Tokens) down,
            (int First, int Count, int Tokens) across)
        {
            long c = _image[3], row = _image[2] * c, window = (long)_size * _size * c;
            Shape box = [_image[0], down.Count, across.Count, down.Tokens, checked((int)(across.Tokens * c))];
            if (box.Count == 0) return;
            long[] ofImage = [_image[1] * row, _size * row, _size * c, row, 1];
            long[] ofWindows = [PerImage * window, _across * window, window, _size * c, 1];
            View inImage = image.View.Slice(down.First * ofImage[1] + across.First * ofImage[2]);
            View inWindows = windows.View.Slice(down.First * ofWindows[1] + across.First * ofWindows[2]);
            if (cut)
                Box.Copy(_op, image.Session.Device, box, inImage, ofImage, inWindows, ofWindows);
            else
                Box.Copy(_op, image.Session.Device, box, inWindows, ofWindows, inImage, ofImage);
        }
    }
}
