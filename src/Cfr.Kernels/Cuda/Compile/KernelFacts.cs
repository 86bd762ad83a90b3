using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>What the assembler makes of a kernel.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Target">Generation it was assembled for: <c>sm_90</c>.</param>
/// <param name="Registers">Registers a thread.</param>
/// <param name="StackBytes">Local memory a thread for variables; should be 0.</param>
/// <param name="SpillBytes">Local memory a thread for registers that did not fit; should be 0.</param>
/// <param name="StaticSharedBytes">Shared memory a block, fixed in the code.</param>
/// <param name="DynamicSharedBytes">Shared memory a block, asked for at the launch.</param>
/// <param name="Occupancy">Share of a multiprocessor's warps that can be resident, by registers and shared memory.</param>
/// <param name="Hmma">Tensor-core products in the machine code.</param>
/// <param name="Ldsm">Loads of matrix fragments from shared memory.</param>
/// <param name="Ldgsts">Asynchronous copies to shared memory.</param>
/// <param name="LocalAccesses">Loads and stores of local memory; should be 0.</param>
public sealed partial record KernelFacts(
    string Kernel, string Target, int Registers, int StackBytes, int SpillBytes, int StaticSharedBytes,
    int DynamicSharedBytes, double Occupancy, int Hmma, int Ldsm, int Ldgsts, int LocalAccesses)
{
    /// <summary>Names of what <see cref="ToCsv"/> gives.</summary>
    public const string CsvHeader =
        "kernel,target,register_budget,stack,spills,static_shared,dynamic_shared,hmma,ldsm,ldgsts,local_accesses";

    /// <summary>
    /// Registers that the kernel may use: the hardware hands them out by eight, and the order of ILGPU's lines, which it does
    /// not fix, moves the count by one or two.
    /// </summary>
    public int RegisterBudget => Math.Min(255, (Registers + 3 + 7) / 8 * 8);

    /// <summary>One comma-separated line of a table that kernels are held to.</summary>
    public string ToCsv() =>
        $"{Kernel},{Target},{RegisterBudget},{StackBytes},{SpillBytes},{StaticSharedBytes},{DynamicSharedBytes},{Hmma},{Ldsm},{Ldgsts},{LocalAccesses}";

    /// <summary>Assembles PTX and looks.</summary>
    internal static KernelFacts Of(Kernel kernel, string ptx, ComputeCapability capability, CudaTools tools)
    {
        string folder = Directory.CreateTempSubdirectory("cfr-ptx").FullName;
        try
        {
            string source = Path.Combine(folder, kernel.Name + ".ptx"), cubin = Path.Combine(folder, kernel.Name + ".cubin");
            File.WriteAllText(source, ptx);
            string log = tools.Assemble(kernel.Name, source, cubin);
            MachineCode code = MachineCode.Of(File.ReadAllBytes(cubin));
            int registers = Number(RegisterCount(), log), shared = PtxText.StaticSharedBytes(ptx);
            return new KernelFacts(
                kernel.Name, $"sm_{capability.Number}", registers, Number(Stack(), log),
                Number(SpillStores(), log) + Number(SpillLoads(), log), shared, kernel.SharedBytes,
                OccupancyOf(kernel.Threads, registers, shared + kernel.SharedBytes, capability),
                code.Hmma, code.Ldsm, code.Ldgsts, code.LocalAccesses);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>
    /// Resident warps over the 64 that fit: registers come in runs of 256 a warp from 65,536 a multiprocessor; a block's
    /// shared memory costs 1 KiB more, from 164 KiB (8.0), 228 KiB (9.0) or 100 KiB (other generations).
    /// </summary>
    internal static double OccupancyOf(int threads, int registers, int sharedBytes, ComputeCapability capability)
    {
        const int Registers = 65536, RegisterRun = 256, Reserved = 1024;
        int mostWarps = capability.Number is 80 or 90 or 100 or 103 ? 64 : 48;
        int mostBlocks = capability.Number switch { 86 or 87 => 16, 89 => 24, _ => 32 };
        int shared = 1024 * (capability.Number switch { 80 or 87 => 164, 90 or 100 or 103 => 228, _ => 100 });
        int warps = (threads + 31) / 32, runs = (registers * 32 + RegisterRun - 1) / RegisterRun * RegisterRun;
        int blocks = Math.Min(
            Math.Min(mostBlocks, mostWarps / warps),
            Math.Min(Registers / Math.Max(1, runs) / warps, shared / (sharedBytes + Reserved)));
        return (double)blocks * warps / mostWarps;
    }

    static int Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? int.Parse(match.Groups[1].Value) : 0;

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex RegisterCount();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex SpillLoads();
}
