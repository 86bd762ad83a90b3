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
        CudaResult result = Link(kernel.Name, ptx, out byte[] cubin, out string log);
        return result == CudaResult.Success ? cubin : throw Rejected(kernel, ptx, log, result);
    }

    /// <summary>
    /// Whether the driver's assembler takes products of warp groups, which are in Hopper's own set of instructions.
    /// </summary>
    public bool TakesWarpgroups()
    {
        const string Probe = """
            .version 8.0
            .target sm_90a
            .address_size 64
            .visible .entry probe()
            {
                wgmma.fence.sync.aligned;
                ret;
            }
            """;
        return gpu.Capability == ComputeCapability.Hopper && Link("probe", Probe, out _, out _) == CudaResult.Success;
    }

    static CudaResult Link(string name, string ptx, out byte[] cubin, out string log)
    {
        byte[] text = Encoding.UTF8.GetBytes(ptx + '\0'), called = Encoding.UTF8.GetBytes(name + '\0');
        byte[] errors = new byte[LogBytes];
        (cubin, log) = ([], "");
        fixed (byte* data = text, label = called, messages = errors)
        {
            JitOption* options = stackalloc JitOption[] { JitOption.ErrorLog, JitOption.ErrorLogBytes };
            nint* values = stackalloc nint[] { (nint)messages, LogBytes };
            CudaResult result = cuLinkCreate_v2(2, options, values, out nint link);
            if (result != CudaResult.Success) return result;
            try
            {
                result = cuLinkAddData_v2(link, PtxInput, data, (nuint)text.Length, label, 0, null, null);
                if (result != CudaResult.Success) return result;
                result = cuLinkComplete(link, out nint image, out nuint bytes);
                if (result == CudaResult.Success) cubin = new ReadOnlySpan<byte>((void*)image, (int)bytes).ToArray();
                return result;
            }
            finally
            {
                log = Encoding.UTF8.GetString(errors).TrimEnd('\0', '\n');
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
