using System.Runtime.InteropServices;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>The CUDA driver refused something; the message says what and with which error.</summary>
public sealed class CudaException : Exception
{
    internal CudaException(string what, CudaResult result) : base($"{what}: {Explain(result)}") => Result = result;

    internal CudaResult Result { get; }

    /// <summary>Throws unless the call succeeded.</summary>
    internal static void Check(CudaResult result, string what)
    {
        if (result != CudaResult.Success) throw new CudaException(what, result);
    }

    static string Explain(CudaResult result)
    {
        if (!CudaDriver.IsInstalled || CudaDriver.cuGetErrorName(result, out nint name) != CudaResult.Success) return $"CUDA error {(int)result}";
        CudaDriver.cuGetErrorString(result, out nint text);
        return $"{Marshal.PtrToStringUTF8(name)} ({Marshal.PtrToStringUTF8(text)})";
    }
}
