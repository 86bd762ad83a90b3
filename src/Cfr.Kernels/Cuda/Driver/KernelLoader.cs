using System.Text;
using Cfr.Kernels.Cuda.Compile;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>
/// Kernels to functions of the driver: C# to PTX (<see cref="PtxCompiler"/>), PTX to machine code by the driver's own
/// assembler, kept in <see cref="ModuleCache"/>; once a process and kernel.
/// </summary>
sealed unsafe class KernelLoader(CudaGpu gpu, Version driver, ModuleCache cache) : IDisposable
{
    const int LogBytes = 1 << 16, PtxInput = 1;

    readonly Dictionary<Kernel, nint> _functions = [];
    readonly List<nint> _modules = [];
    readonly PtxCompiler _compiler = new();

    /// <summary>The function of a kernel; compiled and loaded if this is its first use.</summary>
    /// <exception cref="KernelException">It cannot be compiled or assembled.</exception>
    public nint Function(Kernel kernel)
    {
        if (_functions.TryGetValue(kernel, out nint function)) return function;
        return _functions[kernel] = Load(kernel);
    }

    public void Dispose()
    {
        foreach (nint module in _modules) cuModuleUnload(module);
        _compiler.Dispose();
    }

    nint Load(Kernel kernel)
    {
        byte[] cubin = cache.Get(Key(kernel), () => Assemble(kernel));
        nint module;
        fixed (byte* image = cubin)
            CudaException.Check(cuModuleLoadData(out module, image), $"kernel {kernel.Name} cannot be loaded");
        _modules.Add(module);
        CudaException.Check(
            cuModuleGetFunction(out nint function, module, kernel.Name), $"kernel {kernel.Name} is not in its module");
        if (kernel.SharedBytes > 0)
        {
            if (kernel.SharedBytes > gpu.SharedBytesPerBlock)
                throw new KernelException($"kernel {kernel.Name} needs {kernel.SharedBytes} bytes of shared memory a block; {gpu.Name} has {gpu.SharedBytesPerBlock}");
            CudaException.Check(
                cuFuncSetAttribute(function, FunctionAttribute.DynamicSharedBytes, kernel.SharedBytes),
                $"kernel {kernel.Name} with {kernel.SharedBytes} bytes of shared memory");
        }
        return function;
    }

    /// <summary>Everything that the machine code depends on: this library's code, ILGPU, the GPU, the driver.</summary>
    string Key(Kernel kernel) => string.Join(
        '|', kernel.Name, typeof(Kernel).Assembly.ManifestModule.ModuleVersionId,
        typeof(ILGPU.Context).Assembly.ManifestModule.ModuleVersionId, gpu.Capability, driver);

    byte[] Assemble(Kernel kernel)
    {
        string ptx = _compiler.Compile(kernel, gpu.Capability);
        byte[] text = Encoding.UTF8.GetBytes(ptx + '\0'), name = Encoding.UTF8.GetBytes(kernel.Name + '\0');
        byte[] errors = new byte[LogBytes];
        fixed (byte* data = text, called = name, log = errors)
        {
            JitOption* options = stackalloc JitOption[] { JitOption.ErrorLog, JitOption.ErrorLogBytes };
            nint* values = stackalloc nint[] { (nint)log, LogBytes };
            CudaException.Check(cuLinkCreate_v2(2, options, values, out nint link), $"kernel {kernel.Name}");
            try
            {
                CudaResult result = cuLinkAddData_v2(link, PtxInput, data, (nuint)text.Length, called, 0, null, null);
                if (result == CudaResult.Success)
                {
                    result = cuLinkComplete(link, out nint cubin, out nuint bytes);
                    if (result == CudaResult.Success) return new ReadOnlySpan<byte>((void*)cubin, (int)bytes).ToArray();
                }
                throw Rejected(kernel, ptx, Encoding.UTF8.GetString(errors).TrimEnd('\0', '\n'), result);
            }
            finally
            {
                cuLinkDestroy(link);
            }
        }
    }

    KernelException Rejected(Kernel kernel, string ptx, string log, CudaResult result)
    {
        string left = cache.Leave($"{kernel.Name}.ptx", ptx), explained = cache.Leave($"{kernel.Name}.log", log);
        string first = log.Split('\n').FirstOrDefault(line => line.Length > 0) ?? "the driver says nothing more";
        return new KernelException(
            $"{new CudaException($"the driver cannot assemble kernel {kernel.Name}", result).Message}: {PtxText.Quote(ptx, first)}; see {left} and {explained}");
    }
}
