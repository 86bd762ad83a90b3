namespace Cfr.Kernels.Cpu;

/// <summary>
/// Gradients of the key and the value outside the image: each piece of work sums up its own tokens outside, and the
/// sums of pieces are added up in the pieces' order.
/// </summary>
sealed unsafe class OutsideSums(AttentionShape shape, View ofKey, View ofValue)
{
    readonly int _width = shape.HeadWidth;

    /// <summary>Null where neither gradient is wanted.</summary>
    public static OutsideSums? Of(AttentionShape shape, Tokens dk, Tokens dv) =>
        dk.Outside.IsNone && dv.Outside.IsNone ? null : new OutsideSums(shape, dk.Outside, dv.Outside);

    /// <summary>The length of a piece's sums: of the key, then of the value.</summary>
    public int Floats => 2 * _width;

    /// <summary>Begins with nothing.</summary>
    public void Clear()
    {
        foreach (View sum in new[] { ofKey, ofValue }) new Span<float>(sum.Floats, (int)sum.Count).Clear();
    }

    /// <summary>Adds one token's gradients to the sums of its piece.</summary>
    public void Add(float* piece, float* dKey, float* dValue)
    {
        Add(dKey, 1, piece);
        Add(dValue, 1, piece + _width);
    }

    /// <summary>Adds the sums of a piece to the whole; keys are not scaled yet.</summary>
    public void AddUp(int head, float* piece)
    {
        int first = head % shape.Heads * _width;
        if (!ofKey.IsNone) Add(piece, shape.Scale, ofKey.Floats + first);
        if (!ofValue.IsNone) Add(piece + _width, 1, ofValue.Floats + first);
    }

    void Add(float* from, float factor, float* to)
    {
        for (int c = 0; c < _width; c++) to[c] += from[c] * factor;
    }
}
