namespace Cfr.Kernels.Cpu;

/// <summary>
/// Which of a batch entry's tokens there are: all of them, or, in a window, those inside the image.
/// </summary>
readonly struct TokenWindow
{
    readonly bool _isWindow;
    readonly int _gridWidth, _imageWidth, _firstInImage, _rows, _columns;

    public TokenWindow(AttentionShape shape, int batch)
    {
        _isWindow = shape.IsWindowed;
        int window = batch % (shape.WindowsDown * shape.WindowsAcross);
        int y = window / shape.WindowsAcross * shape.GridHeight, x = window % shape.WindowsAcross * shape.GridWidth;
        Image = batch / (shape.WindowsDown * shape.WindowsAcross);
        (_gridWidth, _imageWidth) = (shape.GridWidth, shape.Image.Width);
        _firstInImage = y * _imageWidth + x;
        _rows = Math.Min(shape.GridHeight, shape.Image.Height - y);
        _columns = Math.Min(shape.GridWidth, shape.Image.Width - x);
        Inside = _isWindow ? _rows * _columns : shape.Queries;
    }

    /// <summary>The image, or the batch entry itself.</summary>
    public int Image { get; }

    /// <summary>Tokens inside.</summary>
    public int Inside { get; }

    /// <summary>The i-th token inside.</summary>
    public int Token(int i) => _isWindow ? i / _columns * _gridWidth + i % _columns : i;

    /// <summary>A token's place in the image; -1 outside.</summary>
    public int Place(int token)
    {
        if (!_isWindow) return token;
        int row = token / _gridWidth, column = token % _gridWidth;
        return row < _rows && column < _columns ? _firstInImage + row * _imageWidth + column : -1;
    }
}
