using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of the softmax kernels. A is x or y, B the gradient dy where there is one.</summary>
struct SoftmaxArguments
{
    public long Rows, A, B, Result;
    public int Width, Vectors, Lanes;
}

/// <summary>What a thread does with its row of a tile, in place in a; the row begins at float <c>first</c>.</summary>
interface ITileFunction
{
    static abstract bool ReadsB { get; }

    static abstract void Apply(ArrayView<float> a, ArrayView<float> b, int first, int width);
}

/// <summary>a = softmax(a)</summary>
readonly struct SoftmaxOfTile : ITileFunction
{
    public static bool ReadsB => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(ArrayView<float> a, ArrayView<float> b, int first, int width)
    {
        float max = Largest(a, first, width), sum = 0;
        for (int i = first; i < first + width; i++)
        {
            float e = Ptx.ExpOfNonPositive(a[RowTile.Word(i)] - max);
            a[RowTile.Word(i)] = e;
            sum += e;
        }
        float inverse = Ptx.Hold(1 / sum);
        for (int i = first; i < first + width; i++) a[RowTile.Word(i)] *= inverse;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(ArrayView<float> a, int first, int width)
    {
        float max = a[RowTile.Word(first)];
        for (int i = first + 1; i < first + width; i++) max = Ptx.Max(max, a[RowTile.Word(i)]);
        return max;
    }
}

/// <summary>a = log softmax(a)</summary>
readonly struct LogSoftmaxOfTile : ITileFunction
{
    public static bool ReadsB => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(ArrayView<float> a, ArrayView<float> b, int first, int width)
    {
        float max = SoftmaxOfTile.Largest(a, first, width), sum = 0;
        for (int i = first; i < first + width; i++) sum += Ptx.ExpOfNonPositive(a[RowTile.Word(i)] - max);
        float logSum = Ptx.Hold(Logarithm.Apply(new Lane(sum)).Value);
        for (int i = first; i < first + width; i++) a[RowTile.Word(i)] = a[RowTile.Word(i)] - max - logSum;
    }
}

/// <summary>a = a (b - sum(a b)): a is softmax, b the gradient of it.</summary>
readonly struct SoftmaxGradientOfTile : ITileFunction
{
    public static bool ReadsB => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(ArrayView<float> a, ArrayView<float> b, int first, int width)
    {
        float sum = 0;
        for (int i = first; i < first + width; i++) sum = Ptx.MultiplyAdd(a[RowTile.Word(i)], b[RowTile.Word(i)], sum);
        for (int i = first; i < first + width; i++) a[RowTile.Word(i)] *= b[RowTile.Word(i)] - sum;
    }
}

/// <summary>a = b - exp(a) sum(b): a is log softmax, b the gradient of it.</summary>
readonly struct LogSoftmaxGradientOfTile : ITileFunction
{
    public static bool ReadsB => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(ArrayView<float> a, ArrayView<float> b, int first, int width)
    {
        float sum = 0;
        for (int i = first; i < first + width; i++) sum += b[RowTile.Word(i)];
        for (int i = first; i < first + width; i++)
            a[RowTile.Word(i)] = b[RowTile.Word(i)] - Ptx.ExpOfNonPositive(a[RowTile.Word(i)]) * sum;
    }
}

/// <summary>
/// Softmax of narrow rows and its relatives, a row a thread in a <see cref="RowTile"/>. 8 bytes an element forward
/// and 12 backward; some 25 instructions an element, so that memory still sets the pace.
/// </summary>
static class TileKernel
{
    public static void Apply<TFunction>(SoftmaxArguments a) where TFunction : struct, ITileFunction
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(RowTile.Words);
        ArrayView<float> other = TFunction.ReadsB ? SharedMemory.Allocate<float>(RowTile.Words) : tile;
        int rows = Ptx.Hold(RowTile.Rows(Group.DimX, a.Width));
        for (long first = (long)Grid.IdxX * rows; first < a.Rows; first += (long)Grid.DimX * rows)
        {
            int here = a.Rows - first < rows ? (int)(a.Rows - first) : rows, count = here * a.Width;
            long offset = 4 * first * a.Width;
            RowTile.Load(tile, a.A + offset, count);
            if (TFunction.ReadsB) RowTile.Load(other, a.B + offset, count);
            Group.Barrier();
            if (Group.IdxX < here) TFunction.Apply(tile, other, Group.IdxX * a.Width, a.Width);
            Group.Barrier();
            RowTile.Store(tile, a.Result + offset, count);
            Group.Barrier();
        }
    }
}
