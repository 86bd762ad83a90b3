namespace Cfr.Kernels;

/// <summary>
/// A map of grey values (Zhou 2019, "Models Genesis"): the cubic Bezier curve from (0, 0) to (1, 1) with two control points in the
/// unit square, as y of x. Both coordinates grow along such a curve:
///   p(t) = 3 (1 - t)^2 t p1 + 3 (1 - t) t^2 p2 + t^3
/// As published it is sampled at 100,000 places and linear between them; values outside [0, 1] are clamped.
/// </summary>
/// <param name="X1">First control point.</param>
/// <param name="Y1">First control point.</param>
/// <param name="X2">Second control point.</param>
/// <param name="Y2">Second control point.</param>
public readonly record struct BezierCurve(double X1, double Y1, double X2, double Y2)
{
    const int Segments = 100_000 - 1;

    /// <summary>y of x.</summary>
    public double this[double x] => At(X1, Y1, X2, Y2, x);

    /// <summary>The same without a struct: the code of the GPU's kernel.</summary>
    internal static double At(double x1, double y1, double x2, double y2, double x)
    {
        if (!(x > 0)) return 0;
        if (x >= 1) return 1;
        int low = 0, high = Segments;
        while (high - low > 1)
        {
            int middle = (low + high) >> 1;
            if (At(x1, x2, middle) <= x) low = middle;
            else high = middle;
        }
        double from = At(x1, x2, low), step = At(x1, x2, high) - from, y = At(y1, y2, low);
        return step > 0 ? y + (At(y1, y2, high) - y) * ((x - from) / step) : y;
    }

    static double At(double first, double second, int sample)
    {
        double t = (double)sample / Segments, rest = 1 - t;
        return t * (3 * rest * (rest * first + t * second) + t * t);
    }
}
