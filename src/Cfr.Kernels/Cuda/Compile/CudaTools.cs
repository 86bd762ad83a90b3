using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>NVIDIA's assembler, where it is installed; it needs no GPU.</summary>
sealed partial class CudaTools
{
    readonly string _ptxas;

    CudaTools(string ptxas, string version) => (_ptxas, Version) = (ptxas, version);

    /// <summary>Release of the assembler: <c>12.4</c>.</summary>
    public string Version { get; }

    /// <summary>
    /// The tools in <c>tools</c> of the kernel cache (scripts/get-ptxas.sh puts it there), in CUDA_HOME or on the
    /// PATH; null where there is none.
    /// </summary>
    public static CudaTools? Find()
    {
        string? home = Environment.GetEnvironmentVariable("CUDA_HOME");
        string[] folders =
        [
            Path.Combine(ModuleCache.Open().Folder, "tools"), .. home is null ? (string[])[] : [Path.Combine(home, "bin")],
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator), "/usr/local/cuda/bin",
        ];
        string? ptxas = folders.Select(folder => Path.Combine(folder, "ptxas")).FirstOrDefault(File.Exists);
        return ptxas is null ? null : new CudaTools(ptxas, Release().Match(Run(ptxas, ["--version"]).Output).Groups[1].Value);
    }

    /// <summary>Assembles PTX into <paramref name="cubin"/>; returns what ptxas says about it.</summary>
    /// <exception cref="KernelException">ptxas refuses it.</exception>
    public string Assemble(string kernel, string ptxFile, string cubin)
    {
        string ptx = File.ReadAllText(ptxFile), target = PtxText.TargetOf(ptx);
        var (code, output) = Run(_ptxas, ["-v", $"-arch={target}", ptxFile, "-o", cubin]);
        if (code == 0) return output;
        string first = output.Split('\n').FirstOrDefault(line => line.Contains("error") || line.Contains("fatal")) ?? output;
        throw new KernelException(
            $"ptxas refuses kernel {kernel} for {target}: {PtxText.Quote(ptx, first)}");
    }

    static (int Code, string Output) Run(string tool, string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + errors.Result);
        }
        catch (Win32Exception error)
        {
            throw new KernelException($"{tool} cannot be started: {error.Message}", error);
        }
    }

    [GeneratedRegex(@"release (\d+\.\d+)")]
    private static partial Regex Release();
}
