using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Kernels to PTX. ILGPU compiles the C# (at O2: below it, address spaces are not inferred); then slots become
/// registers, addresses global, and the target the device's own. No GPU or driver is needed.
/// </summary>
sealed class PtxCompiler : IDisposable
{
    readonly Lock _lock = new();
    Context? _context;
    PTXBackend? _backend;

    /// <summary>The kernel's PTX for one generation of GPUs.</summary>
    /// <exception cref="KernelException">ILGPU refuses or mistakes it, or something would stay in local memory.</exception>
    public string Compile(Kernel kernel, ComputeCapability capability)
    {
        bool isFirst = _context is null;
        try
        {
            return CompileOnce(kernel, capability);
        }
        catch (KernelException) when (!isFirst)
        {
            // ILGPU may take a struct for another kernel's of the same fields; without others before it, it cannot.
            lock (_lock) Dispose();
            return CompileOnce(kernel, capability);
        }
    }

    string CompileOnce(Kernel kernel, ComputeCapability capability)
    {
        string ptx = Translate(kernel);
        if (PtxText.WholeNumberAsFloat(ptx) is { } line)
        {
            throw new KernelException(
                $"kernel {kernel.Name}: ILGPU took a whole number's bits for a float's, `{line}`; write 1f : 0f for 1 : 0");
        }
        ptx = ReachableCode.Apply(ptx);
        ptx = RegisterPromotion.Apply(kernel.Name, ptx);
        ptx = GlobalAddressing.Apply(kernel.Name, ptx);
        ptx = WarpgroupSums.Apply(kernel.Name, PtxText.Round(PtxText.Diverge(PtxText.Name(ptx, kernel.Name))));
        ptx = PtxText.Target(kernel.Name, ptx, capability);
        int want = SizeOf(kernel.Arguments), got = PtxText.ParameterBytes(ptx);
        return want == got
            ? ptx
            : throw new KernelException($"kernel {kernel.Name}: its arguments are {want} bytes here and {got} in PTX");
    }

    public void Dispose()
    {
        _backend?.Dispose();
        _context?.Dispose();
        (_backend, _context) = (null, null);
    }

    string Translate(Kernel kernel)
    {
        var specialization = new KernelSpecialization(
            kernel.Threads, kernel.BlocksPerMultiprocessor == 0 ? null : kernel.BlocksPerMultiprocessor);
        lock (_lock)
        {
            try
            {
                var compiled = (PTXCompiledKernel)Backend().Compile(
                    EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method), specialization);
                return compiled.PTXAssembly;
            }
            catch (Exception error)
            {
                // A kernel that ILGPU gives up on leaves its context unusable.
                Dispose();
                string reason = string.Join(": ", Chain(error).Select(inner => inner.Message).Distinct());
                throw new KernelException($"kernel {kernel.Name} does not compile: {reason}", error);
            }
        }
    }

    PTXBackend Backend()
    {
        if (_backend is not null) return _backend;
        _context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        var architecture = new CudaArchitecture(8, 0);
        return _backend = new PTXBackend(
            _context, new CudaCapabilityContext(architecture), architecture, new CudaInstructionSet(7, 8), null);
    }

    static IEnumerable<Exception> Chain(Exception? error)
    {
        for (; error is not null; error = error.InnerException) yield return error;
    }

    static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
