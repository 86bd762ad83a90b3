namespace Cfr.Kernels;

/// <summary>Functions of one element. <c>p</c> is the parameter of <see cref="IElementWise.Unary"/>.</summary>
public enum UnaryOp
{
    /// <summary>max(x, 0)</summary>
    Relu,
    /// <summary>x, or p x where x is negative</summary>
    LeakyRelu,
    /// <summary>0.5 x (1 + erf(x / sqrt 2))</summary>
    Gelu,
    /// <summary>1 / (1 + exp(-x))</summary>
    Sigmoid,
    /// <summary>tanh x</summary>
    Tanh,
    /// <summary>e^x</summary>
    Exp,
    /// <summary>natural logarithm</summary>
    Log,
    /// <summary>square root</summary>
    Sqrt,
    /// <summary>x x</summary>
    Square,
    /// <summary>absolute value; its derivative at 0 is 0</summary>
    Abs,
    /// <summary>1 / x</summary>
    Reciprocal,
    /// <summary>sin x (|x| up to some thousands)</summary>
    Sin,
    /// <summary>cos x (|x| up to some thousands)</summary>
    Cos,
}

/// <summary>Functions of two elements.</summary>
public enum BinaryOp
{
    /// <summary>a + b</summary>
    Add,
    /// <summary>a - b</summary>
    Subtract,
    /// <summary>a b</summary>
    Multiply,
    /// <summary>a / b</summary>
    Divide,
    /// <summary>the larger one</summary>
    Maximum,
    /// <summary>the smaller one</summary>
    Minimum,
    /// <summary>1 where a &gt; b, else 0</summary>
    Greater,
}

/// <summary>
/// How a smaller operand b repeats along <c>a [Outer, Middle, Inner]</c>: a stride of 0 repeats it along that axis.
/// Trailing axes: (1, M, I) with strides (0, 0, 1). Channel masks [N, 1, 1, 1, C]: (C, 0, 1).
/// One value per row: (M, 1, 0).
/// </summary>
public readonly record struct Broadcast(
    long Outer, long Middle, long Inner, long OuterStride, long MiddleStride, long InnerStride)
{
    /// <summary>Both operands have the same <paramref name="count"/> elements.</summary>
    public static Broadcast None(long count) => new(1, 1, count, 0, 0, 1);

    /// <summary>Elements of the larger operand.</summary>
    public long Count => Outer * Middle * Inner;

    /// <summary>The same repetition with as few and as long axes as possible.</summary>
    internal Broadcast Merged()
    {
        var (outer, middle, inner, outerStride, middleStride, innerStride) = this;
        for (int pass = 0; pass < 2; pass++)
        {
            if (inner != 1 && middle != 1 && middleStride != inner * innerStride) break;
            if (inner == 1) innerStride = middleStride;
            inner *= middle;
            (middle, middleStride, outer, outerStride) = (outer, outerStride, 1, 0);
        }
        if (middle == 1 || outer == 1 || outerStride == middle * middleStride)
        {
            if (middle == 1) middleStride = outerStride;
            middle *= outer;
            (outer, outerStride) = (1, 0);
        }
        return new Broadcast(outer, middle, inner, outerStride, middleStride, innerStride);
    }
}

/// <summary>Functions of single elements. Outputs may be the same memory as inputs of the same size.</summary>
public interface IElementWise
{
    /// <summary>y = value everywhere.</summary>
    void Fill(View y, float value);

    /// <summary>y = scale x + shift.</summary>
    void Affine(View x, float scale, float shift, View y);

    /// <summary>y = f(x).</summary>
    void Unary(UnaryOp op, View x, View y, float parameter = 0);

    /// <summary>dx = dy f'(x).</summary>
    void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0);

    /// <summary>y = f(a, b), with b repeated as <paramref name="broadcast"/> says.</summary>
    void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y);

    /// <summary>y += scale x.</summary>
    void AddScaled(View x, float scale, View y);

    /// <summary>y = min(max(x, low), high).</summary>
    void Clamp(View x, float low, float high, View y);

    /// <summary>dx = dy where low &lt;= x &lt;= high, else 0.</summary>
    void ClampBackward(View x, float low, float high, View dy, View dx);

    /// <summary>
    /// y[r, c] = curve c of x[r, c], a <see cref="BezierCurve"/> in double precision with the control points
    /// <c>points [channels, 4]</c> (x1, y1, x2, y2); x itself where x1 is negative.
    /// </summary>
    void BezierCurves(long rows, int channels, View x, View points, View y);

    /// <summary>y = 1 where the labels (int32) equal <paramref name="value"/>, else 0.</summary>
    void EqualTo(View labels, int value, View y);
}
