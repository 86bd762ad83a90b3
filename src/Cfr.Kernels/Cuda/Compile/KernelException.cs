namespace Cfr.Kernels.Cuda.Compile;

/// <summary>A kernel that cannot be compiled, assembled or loaded; the message names it and says where and why.</summary>
public sealed class KernelException(string message, Exception? inner = null) : Exception(message, inner);
