using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// Functions of two elements: y = f(a, b). Sums below run over the axes along which an operand repeats.
///   a [..] and b of the same shape, or b with axes of size 1 or leading axes missing, along which it repeats
///   (<see cref="Repetition"/>) -> y of the larger shape
///   a + b: da = dy, db = sum dy            a - b: da = dy, db = -sum dy
///   a b:   da = dy b, db = sum dy a        a / b: da = dy / b, db = -sum(dy y) / b
///   max, min: dy goes to the operand that was taken, half to each where they are equal
/// </summary>
public static class ArithmeticOps
{
    /// <summary>a + b</summary>
    public static Tensor Add(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.LargerFirst(nameof(Add), a, b);
        Shape ofB = b.Shape;
        Tensor y = DeferredNorm.TryAdd(a, b) ?? Apply(BinaryOp.Add, a, b);
        return y.Record(nameof(Add), [a, b], keep: [], backward: g =>
        {
            g.Add(0, g.OfResult);
            g.Add(1, () => Repetition.Sum(g.OfResult, ofB));
        });
    }

    /// <summary>a - b</summary>
    public static Tensor Subtract(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.ExpandFirst(nameof(Subtract), a, b);
        Shape ofB = b.Shape;
        return Apply(BinaryOp.Subtract, a, b).Record(nameof(Subtract), [a, b], keep: [], backward: g =>
        {
            g.Add(0, g.OfResult);
            g.Add(1, () => Repetition.Sum(g.OfResult, ofB, scale: -1));
        });
    }

    /// <summary>a b, element by element.</summary>
    public static Tensor Multiply(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.LargerFirst(nameof(Multiply), a, b);
        Shape ofB = b.Shape;
        Tensor?[] keep = [b.RequiresGrad ? a : null, a.RequiresGrad ? b : null];
        return Apply(BinaryOp.Multiply, a, b).Record(nameof(Multiply), [a, b], keep, backward: g =>
        {
            g.Add(0, () => Apply(BinaryOp.Multiply, g.OfResult, g.Kept(1)));
            g.Add(1, () => Repetition.Sum(Apply(BinaryOp.Multiply, g.OfResult, g.Kept(0)), ofB));
        });
    }

    /// <summary>a / b</summary>
    public static Tensor Divide(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.ExpandFirst(nameof(Divide), a, b);
        Tensor y = Apply(BinaryOp.Divide, a, b);
        return y.Record(nameof(Divide), [a, b], keep: [b, y], backward: g =>
        {
            g.Add(0, () => Apply(BinaryOp.Divide, g.OfResult, g.Kept(0)));
            g.Add(1, () =>
            {
                Tensor sum = Repetition.Sum(Apply(BinaryOp.Multiply, g.OfResult, g.Kept(1)), g.Kept(0).Shape,
                    scale: -1);
                return Apply(BinaryOp.Divide, sum, g.Kept(0));
            });
        });
    }

    /// <summary>The larger of a and b.</summary>
    public static Tensor Maximum(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.LargerFirst(nameof(Maximum), a, b);
        return Choose(nameof(Maximum), BinaryOp.Maximum, a, b, sign: 1);
    }

    /// <summary>The smaller of a and b.</summary>
    public static Tensor Minimum(this Tensor a, Tensor b)
    {
        (a, b) = Repetition.LargerFirst(nameof(Minimum), a, b);
        return Choose(nameof(Minimum), BinaryOp.Minimum, a, b, sign: -1);
    }

    /// <summary>Arithmetic in its usual notation.</summary>
    extension(Tensor)
    {
        /// <summary>a + b</summary>
        public static Tensor operator +(Tensor a, Tensor b) => a.Add(b);

        /// <summary>a + b</summary>
        public static Tensor operator +(Tensor a, float b) => a.Affine(1, b);

        /// <summary>a + b</summary>
        public static Tensor operator +(float a, Tensor b) => b.Affine(1, a);

        /// <summary>a - b</summary>
        public static Tensor operator -(Tensor a, Tensor b) => a.Subtract(b);

        /// <summary>a - b</summary>
        public static Tensor operator -(Tensor a, float b) => a.Affine(1, -b);

        /// <summary>a - b</summary>
        public static Tensor operator -(float a, Tensor b) => b.Affine(-1, a);

        /// <summary>-a</summary>
        public static Tensor operator -(Tensor a) => a.Affine(-1);

        /// <summary>a b, element by element.</summary>
        public static Tensor operator *(Tensor a, Tensor b) => a.Multiply(b);

        /// <summary>a b</summary>
        public static Tensor operator *(Tensor a, float b) => a.Affine(b);

        /// <summary>a b</summary>
        public static Tensor operator *(float a, Tensor b) => b.Affine(a);

        /// <summary>a / b, element by element.</summary>
        public static Tensor operator /(Tensor a, Tensor b) => a.Divide(b);

        /// <summary>a / b</summary>
        public static Tensor operator /(Tensor a, float b) => a.Affine(1 / b);

        /// <summary>a / b</summary>
        public static Tensor operator /(float a, Tensor b) => b.Reciprocal().Affine(a);
    }

    static Tensor Choose(string name, BinaryOp op, Tensor a, Tensor b, float sign) =>
        Apply(op, a, b).Record(name, [a, b], keep: [a, b], backward: g =>
        {
            // (1 + [a beats b] - [b beats a]) / 2 is 1, 1/2 or 0.
            Tensor first = g.Kept(0).Affine(sign), second = g.Kept(1).Affine(sign);
            Tensor wins = Apply(BinaryOp.Greater, first, second);
            Tensor loses = Apply(BinaryOp.Greater, first.Affine(-1), second.Affine(-1));
            Tensor share = Apply(BinaryOp.Subtract, wins, loses).Affine(0.5f, 0.5f);
            Tensor da = Apply(BinaryOp.Multiply, g.OfResult, share);
            g.Add(0, da);
            g.Add(1, () => Repetition.Sum(Apply(BinaryOp.Subtract, g.OfResult, da), g.Kept(1).Shape));
        });

    static Tensor Apply(BinaryOp op, Tensor a, Tensor b)
    {
        Tensor y = a.Session.Empty(a.Shape);
        a.Session.Device.ElementWise.Binary(op, Repetition.Of(a.Shape, b.Shape)!.Value, a.View, b.View, y.View);
        return y;
    }
}
