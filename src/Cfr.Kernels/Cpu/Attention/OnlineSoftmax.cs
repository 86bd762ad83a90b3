using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Rows of softmax whose logits arrive in blocks (Milakov and Gimelshein 2018). With the largest logit so far, m, kept
/// next to s = sum of e^(x - m), a block that raises m to m' multiplies what was summed before it by e^(m - m').
/// </summary>
static unsafe class OnlineSoftmax<V> where V : struct, IVector<V>
{
    /// <summary>
    /// Turns a row of logits into e^(x - m) and updates m and the sum; returns the factor for earlier results. The
    /// length is a multiple of two vectors. A NaN does not become the maximum, but its exponential is NaN and so is the
    /// sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Update(float* row, int length, ref float maximum, ref float sum)
    {
        V left = V.Splat(maximum), right = left;
        for (int j = 0; j < length; j += 2 * V.Width)
        {
            V x = V.Load(row + j), y = V.Load(row + j + V.Width);
            left = V.Select(V.Greater(x, left), x, left);
            right = V.Select(V.Greater(y, right), y, right);
        }
        float before = maximum;
        maximum = V.Largest(V.Select(V.Greater(left, right), left, right));
        // As long as every logit is -inf, their exponentials are to be 0, not those of inf - inf.
        float sumOfBlock = Exponentials(row, length, float.IsNegativeInfinity(maximum) ? 0 : maximum);
        float factor = before == maximum ? 1 : MathF.Exp(before - maximum);
        sum = sum * factor + sumOfBlock;
        return factor;
    }

    /// <summary>
    /// Replaces x by e^(x - shift), where no x exceeds the shift by more than rounding; returns the sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* row, int length, float shift)
    {
        V subtract = V.Splat(shift), left = V.Splat(0), right = V.Splat(0);
        for (int j = 0; j < length; j += 2 * V.Width)
        {
            V x = Exponential.ApplyToNonPositive(V.Load(row + j) - subtract);
            V y = Exponential.ApplyToNonPositive(V.Load(row + j + V.Width) - subtract);
            x.Store(row + j);
            y.Store(row + j + V.Width);
            left += x;
            right += y;
        }
        return V.Sum(left + right);
    }
}
