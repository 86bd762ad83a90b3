using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>Checks of an op's arguments. Each op checks once; kernels trust what they get.</summary>
static class Expect
{
    /// <summary>A size that may be anything.</summary>
    public const int Any = -1;

    /// <summary>Float32 of these sizes, <see cref="Any"/> matching all.</summary>
    public static void Shape(string op, string argument, Tensor tensor, params ReadOnlySpan<int> expected)
    {
        Type(op, argument, tensor, DType.Float32);
        bool fits = tensor.Rank == expected.Length;
        for (int axis = 0; fits && axis < expected.Length; axis++)
            fits = expected[axis] == Any || expected[axis] == tensor.Shape[axis];
        if (!fits) throw Mismatch(op, argument, tensor, $"[{Pattern(expected)}]");
    }

    /// <summary>Float32 whose last axes have these sizes; any number may come before them.</summary>
    public static void Trailing(string op, string argument, Tensor tensor, params ReadOnlySpan<int> expected)
    {
        Type(op, argument, tensor, DType.Float32);
        bool fits = tensor.Rank >= expected.Length;
        for (int axis = 1; fits && axis <= expected.Length; axis++)
            fits = expected[^axis] == Any || expected[^axis] == tensor.Shape[^axis];
        if (!fits) throw Mismatch(op, argument, tensor, $"[.., {Pattern(expected)}]");
    }

    /// <summary>The element type must be this one.</summary>
    public static void Type(string op, string argument, Tensor tensor, DType expected)
    {
        if (tensor.DType != expected)
            throw new ArgumentException($"{op}: {argument} holds {tensor.DType}, expected {expected}");
    }

    /// <summary>An error that shows what was expected and what came.</summary>
    public static ArgumentException Mismatch(string op, string argument, Tensor tensor, string expected) =>
        new($"{op}: {argument} has shape {tensor.Shape}, expected {expected}");

    static string Pattern(ReadOnlySpan<int> sizes) =>
        string.Join(", ", sizes.ToArray().Select(size => size == Any ? "*" : size.ToString()));
}
