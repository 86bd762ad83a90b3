using System.Reflection;
using System.Runtime.InteropServices;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>The functions of the CUDA driver that are used here, under their own names, and how the library is found.</summary>
static unsafe partial class CudaDriver
{
    const string Library = "cuda";

    /// <summary>What the driver's library is called; containers often lack the link without a number.</summary>
    static readonly string[] Names =
        OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so", "/usr/lib/wsl/lib/libcuda.so.1"];

    static readonly Lazy<nint> Handle = new(Load);

    static CudaDriver() => NativeLibrary.SetDllImportResolver(
        typeof(CudaDriver).Assembly, (name, _, _) => name == Library ? Handle.Value : 0);

    /// <summary>A library to load instead of the system's.</summary>
    internal static string? Substitute { get; set; }

    /// <summary>True where the library can be loaded.</summary>
    public static bool IsInstalled => Handle.Value != 0;

    /// <summary>The names that were tried, for messages.</summary>
    public static string Tried => string.Join(", ", Names);

    static nint Load()
    {
        foreach (string name in Substitute is null ? Names : [Substitute])
            if (NativeLibrary.TryLoad(name, out nint handle)) return handle;
        return 0;
    }

    [LibraryImport(Library)]
    public static partial CudaResult cuInit(uint flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    public static partial CudaResult cuGetErrorName(CudaResult error, out nint name);

    [LibraryImport(Library)]
    public static partial CudaResult cuGetErrorString(CudaResult error, out nint text);

    [LibraryImport(Library)]
    public static partial CudaResult cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    public static partial CudaResult cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    public static partial CudaResult cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    public static partial CudaResult cuDeviceGetAttribute(out int value, DeviceAttribute attribute, int device);

    [LibraryImport(Library)]
    public static partial CudaResult cuDeviceTotalMem_v2(out nuint bytes, int device);

    [LibraryImport(Library)]
    public static partial CudaResult cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library)]
    public static partial CudaResult cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    public static partial CudaResult cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemGetInfo_v2(out nuint free, out nuint total);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemAlloc_v2(out nint address, nuint bytes);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemFree_v2(nint address);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemHostAlloc(out nint address, nuint bytes, uint flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemHostGetDevicePointer_v2(out nint device, nint host, uint flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemFreeHost(nint address);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemcpyHtoDAsync_v2(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemcpyDtoHAsync_v2(nint target, nint source, nuint bytes, nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuMemsetD8Async(nint target, byte value, nuint count, nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuStreamBeginCapture_v2(nint stream, int mode);

    [LibraryImport(Library)]
    public static partial CudaResult cuStreamEndCapture(nint stream, out nint graph);

    [LibraryImport(Library)]
    public static partial CudaResult cuGraphInstantiateWithFlags(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuGraphLaunch(nint executable, nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuGraphExecDestroy(nint executable);

    [LibraryImport(Library)]
    public static partial CudaResult cuGraphDestroy(nint graph);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventCreate(out nint timestamp, uint flags);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventDestroy_v2(nint timestamp);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventRecord(nint timestamp, nint stream);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventSynchronize(nint timestamp);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventQuery(nint timestamp);

    [LibraryImport(Library)]
    public static partial CudaResult cuEventElapsedTime(out float milliseconds, nint start, nint end);

    [LibraryImport(Library)]
    public static partial CudaResult cuLinkCreate_v2(uint count, JitOption* options, nint* values, out nint link);

    [LibraryImport(Library)]
    public static partial CudaResult cuLinkAddData_v2(
        nint link, int type, byte* data, nuint bytes, byte* name, uint count, JitOption* options, nint* values);

    [LibraryImport(Library)]
    public static partial CudaResult cuLinkComplete(nint link, out nint cubin, out nuint bytes);

    [LibraryImport(Library)]
    public static partial CudaResult cuLinkDestroy(nint link);

    [LibraryImport(Library)]
    public static partial CudaResult cuModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library)]
    public static partial CudaResult cuModuleUnload(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial CudaResult cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library)]
    public static partial CudaResult cuFuncSetAttribute(nint function, FunctionAttribute attribute, int value);

    [LibraryImport(Library)]
    public static partial CudaResult cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes,
        nint stream, void** parameters, void** extra);
}

/// <summary>What a driver call returns; only the values that are told apart here.</summary>
enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NoDevice = 100,
    NotReady = 600,
    LaunchOutOfResources = 701,
}

enum DeviceAttribute
{
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    SharedBytesPerBlock = 97,
}

enum FunctionAttribute
{
    DynamicSharedBytes = 8,
}

enum JitOption
{
    ErrorLog = 5,
    ErrorLogBytes = 6,
}
