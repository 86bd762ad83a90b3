using System.Reflection;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A GPU kernel: its code and how it wants to be launched. It belongs to no device; each device compiles it once, at
/// its first launch.
/// </summary>
abstract class Kernel(string name, MethodInfo method, Type arguments)
{
    /// <summary>Name in profiles, reports and messages: <c>layer_norm_forward</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The code: a static method of one struct.</summary>
    public MethodInfo Method { get; } = method;

    /// <summary>Where the code is: <c>MapKernel.Apply</c>.</summary>
    public string Source { get; } = $"{method.DeclaringType!.Name}.{method.Name}";

    /// <summary>The struct.</summary>
    public Type Arguments { get; } = arguments;

    /// <summary>Threads of a block; the compiler may count on it.</summary>
    public int Threads { get; init; } = 256;

    /// <summary>
    /// True where the code is right for any whole number of warps in a block: the emulator then runs two.
    /// </summary>
    public bool AnyBlock { get; init; } = true;

    /// <summary>Dynamic shared memory of a block in bytes.</summary>
    public int SharedBytes { get; init; }

    /// <summary>Blocks that are to fit on a multiprocessor at once: caps the registers. 0 leaves it open.</summary>
    public int BlocksPerMultiprocessor { get; init; }

    /// <summary>Whether it claims to compute on tensor cores.</summary>
    public bool TensorCores { get; init; }

    /// <summary>
    /// Columns of the products of warp groups that it computes (<see cref="Ptx.AddProduct"/>), of all sets of sums, or
    /// 0: it then runs on Hopper alone.
    /// </summary>
    public int WarpgroupColumns { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A kernel over the argument struct <typeparamref name="TArguments"/>.</summary>
sealed class Kernel<TArguments>(string name, Action<TArguments> body)
    : Kernel(name, body.Method, typeof(TArguments)) where TArguments : unmanaged
{
    /// <summary>The code as a delegate.</summary>
    public Action<TArguments> Body { get; } = body;
}
