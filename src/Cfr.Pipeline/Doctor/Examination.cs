using System.Globalization;
using System.Runtime.InteropServices;
using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.Pipeline.Doctor;

/// <summary>Looks through this machine for what CFR needs, and has each device compute what is known.</summary>
public static class Examination
{
    const string DataVariable = "CFR_DATA";

    /// <summary>Everything, one after the other.</summary>
    /// <param name="device">The device to have compute; by default each of them.</param>
    /// <param name="precision">What GPUs and the emulator compute in.</param>
    public static IEnumerable<Finding> Run(string? device = null, Precision precision = Precision.Float32)
    {
        string? version = typeof(Examination).Assembly.GetName().Version?.ToString(3);
        yield return new("runtime", Health.Fine, $"{RuntimeInformation.FrameworkDescription}, CFR {version}");
        yield return new("system", Health.Fine, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        using var cpu = new CpuDevice();
        yield return Processor(cpu);
        yield return Memory();
        yield return Cache(CacheFolder.Path);
        yield return Data(Environment.GetEnvironmentVariable(DataVariable));
        CudaInfo cuda = CudaInfo.Read();
        yield return Gpu(cuda);
        string[] gpus = [.. cuda.Gpus.Where(gpu => gpu.Problem is null).Select(gpu => $"cuda:{gpu.Ordinal}")];
        string[] examined = device is null ? ["cpu", .. gpus, "emulated"] : [device];
        foreach (string name in examined)
        {
            Precision own = device is null && name == "cpu" ? Precision.Float32 : precision;
            Device? beside = name.StartsWith("cuda", StringComparison.Ordinal) ? cpu : null;
            foreach (Finding found in SelfTest.Run(name, () => Device.Open(name, own), own, beside)) yield return found;
        }
    }

    static Finding Processor(CpuDevice cpu)
    {
        string vectors = cpu.VectorWidth switch { 16 => "AVX-512", 8 => "AVX2 with FMA", _ => "128-bit vectors" };
        return new(
            "processor", cpu.VectorWidth >= 8 ? Health.Fine : Health.Note,
            $"{ProcessorName()}; {vectors} ({cpu.VectorWidth} floats at once), "
            + $"{cpu.ThreadCount} of {Environment.ProcessorCount} threads");
    }

    static string ProcessorName()
    {
        const string Key = "model name", Facts = "/proc/cpuinfo";
        string? line = File.Exists(Facts) ? File.ReadLines(Facts).FirstOrDefault(line => line.StartsWith(Key)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{RuntimeInformation.ProcessArchitecture}";
    }

    static Finding Memory()
    {
        const long Little = 4L << 30;
        long total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        long? free = Available();
        string text = $"{GiB(total)} for this process" + (free is { } bytes ? $", {GiB(bytes)} of the machine's not in use" : "");
        return new("memory", Math.Min(total, free ?? total) < Little ? Health.Note : Health.Fine, text);
    }

    /// <summary>What Linux says can be had without swapping; null elsewhere.</summary>
    static long? Available()
    {
        const string Key = "MemAvailable:", Facts = "/proc/meminfo";
        string? line = File.Exists(Facts) ? File.ReadLines(Facts).FirstOrDefault(line => line.StartsWith(Key)) : null;
        string? number = line?[Key.Length..].Replace("kB", "").Trim();
        return long.TryParse(number, CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes << 10 : null;
    }

    /// <summary>Whether files can be written there.</summary>
    internal static Finding Cache(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string file = Path.Combine(folder, $"doctor-{Guid.NewGuid():N}");
            File.WriteAllText(file, "");
            File.Delete(file);
            return new("cache", Health.Fine, folder);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new("cache", Health.Note, $"{folder} cannot be written ({fault.Message}); kernels are assembled anew each "
                + "time; CFR_CACHE may name another");
        }
    }

    /// <summary>The folder with real scans that tests use, if one is named.</summary>
    internal static Finding Data(string? folder) => folder switch
    {
        null or "" => new("data", Health.Fine, $"{DataVariable} is not set; only tests on real scans use it"),
        _ when Directory.Exists(folder) => new("data", Health.Fine, $"{DataVariable} is {folder}"),
        _ => new("data", Health.Note, $"{DataVariable} is {folder}; there is no such folder"),
    };

    static Finding Gpu(CudaInfo cuda) => cuda.Problem is { } problem
        ? new("gpu", Health.Note, problem)
        : new("gpu", Health.Fine, $"CUDA {cuda.DriverVersion}: "
            + string.Join("; ", cuda.Gpus.Select(gpu =>
                $"{gpu.Name}, {GiB(gpu.MemoryBytes)}, compute capability {gpu.Capability}")));

    static string GiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F1} GiB");
}
