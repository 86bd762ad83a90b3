namespace Cfr.Kernels.Cuda;

/// <summary>
/// The gradient of the key or value outside the image: kernels write that of every token outside to a row of its own,
/// and the rows are added up in their order. Bytes: 8 E a token, 804 of an image of 64 x 64 in windows of 14 x 14.
/// </summary>
readonly struct OutsideGradient
{
    readonly View _sum, _rows;
    readonly DeviceBuffer? _buffer;

    /// <summary>Rents the rows, where the gradient is wanted.</summary>
    public OutsideGradient(GpuDevice gpu, AttentionShape shape, Tokens gradient)
    {
        _sum = gradient.Outside;
        Tokens = gradient;
        if (_sum.IsNone) return;
        long count = (long)shape.Images * shape.OutsideOfImage * _sum.Count;
        _buffer = gpu.Allocate(DType.Float32, count);
        _rows = new View(_buffer.Address, count, DType.Float32);
        Tokens = gradient with { Outside = _rows };
    }

    /// <summary>The gradient's tokens, with these rows as those outside.</summary>
    public Tokens Tokens { get; }

    /// <summary>Adds the rows up and gives them back.</summary>
    public void AddUp(GpuDevice gpu)
    {
        if (_buffer is null) return;
        gpu.Reduction.Sum(1, _rows.Count / _sum.Count, _sum.Count, _rows, _sum);
        _buffer.Release();
    }
}
