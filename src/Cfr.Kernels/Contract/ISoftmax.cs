namespace Cfr.Kernels;

/// <summary>Softmax and its logarithm along rows.</summary>
public interface ISoftmax
{
    /// <summary>y = exp(x - max) / sum.</summary>
    void Forward(long rows, int width, View x, View y);

    /// <summary>dx = y (dy - sum(dy y)).</summary>
    void Backward(long rows, int width, View y, View dy, View dx);

    /// <summary>y = x - max - log(sum of exp(x - max)).</summary>
    void LogForward(long rows, int width, View x, View y);

    /// <summary>dx = dy - exp(y) sum(dy).</summary>
    void LogBackward(long rows, int width, View y, View dy, View dx);
}
