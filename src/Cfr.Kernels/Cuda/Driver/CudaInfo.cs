using System.Text;
using Cfr.Kernels.Cuda.Compile;
using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>What a GPU is.</summary>
/// <param name="Ordinal">Its number: <c>cuda:0</c>.</param>
/// <param name="Name">What its maker calls it.</param>
/// <param name="Capability">Its generation.</param>
/// <param name="Multiprocessors">How many multiprocessors it has.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="SharedBytesPerBlock">The most shared memory that a block may have.</param>
public sealed record CudaGpu(
    int Ordinal, string Name, ComputeCapability Capability, int Multiprocessors, long MemoryBytes,
    int SharedBytesPerBlock)
{
    /// <summary>Why it cannot be used, or null.</summary>
    public string? Problem => Capability.CompareTo(ComputeCapability.Oldest) < 0
        ? $"its compute capability is {Capability}; {ComputeCapability.Oldest} or newer is needed"
        : null;
}

/// <summary>What CUDA offers on this machine.</summary>
/// <param name="DriverVersion">Version of CUDA that the driver knows: 12.4; null where there is no driver.</param>
/// <param name="Gpus">The GPUs it sees.</param>
/// <param name="Problem">Why there is none that can be used, or null.</param>
public sealed record CudaInfo(Version? DriverVersion, IReadOnlyList<CudaGpu> Gpus, string? Problem)
{
    /// <summary>The oldest driver that knows our PTX (ISA 7.8).</summary>
    public static Version OldestDriver { get; } = new(11, 8);

    /// <summary>Looks at this machine. Never throws.</summary>
    public static CudaInfo Read()
    {
        if (!IsInstalled)
            return None(null, $"no CUDA driver: none of {Tried} can be loaded; install NVIDIA's driver (in a container: `--gpus all`)");
        CudaResult initialized = cuInit(0);
        cuDriverGetVersion(out int number);
        var version = new Version(number / 1000, number % 1000 / 10);
        if (initialized == CudaResult.NoDevice) return None(version, "the CUDA driver is there but sees no GPU");
        if (initialized != CudaResult.Success)
            return None(version, new CudaException("the CUDA driver does not start", initialized).Message);
        if (version < OldestDriver)
            return None(version, $"the CUDA driver knows CUDA {version}; {OldestDriver} or newer is needed");
        cuDeviceGetCount(out int count);
        CudaGpu[] gpus = [.. Enumerable.Range(0, count).Select(Gpu)];
        return new CudaInfo(
            version, gpus, gpus.Any(gpu => gpu.Problem is null) ? null : gpus.Select(gpu => $"{gpu.Name}: {gpu.Problem}").FirstOrDefault("the CUDA driver sees no GPU"));
    }

    static CudaInfo None(Version? version, string problem) => new(version, [], problem);

    static unsafe CudaGpu Gpu(int ordinal)
    {
        const int NameLength = 256;
        cuDeviceGet(out int device, ordinal);
        byte* name = stackalloc byte[NameLength];
        cuDeviceGetName(name, NameLength, device);
        cuDeviceTotalMem_v2(out nuint bytes, device);
        return new CudaGpu(
            ordinal, Encoding.UTF8.GetString(name, new ReadOnlySpan<byte>(name, NameLength).IndexOf((byte)0)),
            new ComputeCapability(
                Attribute(device, DeviceAttribute.ComputeCapabilityMajor),
                Attribute(device, DeviceAttribute.ComputeCapabilityMinor)),
            Attribute(device, DeviceAttribute.MultiprocessorCount), (long)bytes,
            Attribute(device, DeviceAttribute.SharedBytesPerBlock));
    }

    static int Attribute(int device, DeviceAttribute attribute)
    {
        cuDeviceGetAttribute(out int value, attribute, device);
        return value;
    }
}
