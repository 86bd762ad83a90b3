using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using ILGPU;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>What the passes over the PTX change, and what they refuse.</summary>
public class PtxPassTests
{
    static readonly PtxCompiler Compiler = new();
    static readonly ComputeCapability Hopper = new(9, 0);

    readonly record struct Arguments(long X, long Y, int Count);

    static unsafe class Kernels
    {
        public static void Sum(Arguments a)
        {
            float* x = (float*)a.X, y = (float*)a.Y;
            y[Group.IdxX] = x[Group.IdxX] * x[Group.IdxX] + x[a.Count];
        }

        public static void LocalArray(Arguments a)
        {
            float* x = (float*)a.X, y = (float*)a.Y;
            var kept = LocalMemory.Allocate<float>(16);
            for (int i = 0; i < a.Count; i++) kept[i & 15] = x[i];
            y[0] = kept[a.Count & 15];
        }

        public static void WholeNumberAsFloat(Arguments a)
        {
            float* x = (float*)a.X, y = (float*)a.Y;
            float count = 0;
            for (int i = 0; i < a.Count; i++) count += x[i] > 0 ? 1 : 0;
            y[0] = count;
        }

        public static void Managed(Arguments a) => Console.WriteLine(a.Count);
    }

    [Fact]
    public void Loads_and_stores_through_addresses_are_global()
    {
        string ptx = Compile("sum", Kernels.Sum);
        Assert.Contains("ld.global.f32", ptx);
        Assert.Contains("st.global.f32", ptx);
        Assert.DoesNotMatch(@"\s(ld|st)\.f32", ptx);
    }

    [Fact]
    public void A_product_and_a_sum_round_separately()
    {
        string ptx = Compile("sum", Kernels.Sum);
        Assert.Contains("mul.rn.f32", ptx);
        Assert.Contains("add.rn.f32", ptx);
    }

    [Theory]
    [InlineData(8, 0, "7.8")]
    [InlineData(9, 0, "7.8")]
    [InlineData(10, 0, "8.6")]
    [InlineData(12, 0, "8.7")]
    public void The_target_is_the_devices_own(int major, int minor, string version)
    {
        string ptx = Compiler.Compile(new Kernel<Arguments>("sum", Kernels.Sum), new(major, minor));
        Assert.Contains($".target sm_{major}{minor}", ptx);
        Assert.Contains($".version {version}", ptx);
    }

    [Fact]
    public void A_local_array_is_refused_by_name()
    {
        string message = Assert.Throws<KernelException>(() => Compile("with_array", Kernels.LocalArray)).Message;
        Assert.StartsWith("kernel with_array:", message);
        Assert.Contains("local memory", message);
    }

    [Fact]
    public void A_whole_number_whose_bits_ILGPU_takes_for_a_float_is_refused()
    {
        string message = Assert.Throws<KernelException>(() => Compile("count", Kernels.WholeNumberAsFloat)).Message;
        Assert.StartsWith("kernel count: ILGPU took a whole number's bits for a float's", message);
        Assert.EndsWith("write 1f : 0f for 1 : 0", message);
    }

    [Fact]
    public void What_ILGPU_cannot_compile_is_refused_by_name_and_the_next_kernel_compiles()
    {
        Assert.StartsWith(
            "kernel managed does not compile:", Assert.Throws<KernelException>(() => Compile("managed", Kernels.Managed)).Message);
        Compile("sum", Kernels.Sum);
    }

    [Fact]
    public void Addresses_of_other_spaces_are_refused()
    {
        string message = Assert.Throws<KernelException>(
            () => GlobalAddressing.Apply("one", "\tcvta.shared.u64 %rd1, %rd2;\n")).Message;
        Assert.StartsWith("kernel one: `cvta.shared.u64 %rd1, %rd2;`", message);
    }

    [Fact]
    public void A_refusal_by_ptxas_names_the_kernel_and_quotes_the_line()
    {
        if (CudaTools.Find() is not { } tools) { Assert.Skip("no ptxas here; scripts/get-ptxas.sh fetches it"); return; }
        string folder = Directory.CreateTempSubdirectory().FullName, file = Path.Combine(folder, "sum.ptx");
        File.WriteAllText(file, Compile("sum", Kernels.Sum).Replace("mul.rn.f32", "mull.rn.f32"));
        string message = Assert.Throws<KernelException>(
            () => tools.Assemble("sum", file, Path.Combine(folder, "sum.cubin"))).Message;
        Directory.Delete(folder, recursive: true);
        Assert.StartsWith("ptxas refuses kernel sum for sm_90:", message);
        Assert.Contains("`mull.rn.f32", message);
    }

    /// <summary>Values of NVIDIA's occupancy calculator.</summary>
    [Theory]
    [InlineData(256, 32, 0, 90, 1.0)]
    [InlineData(256, 64, 0, 90, 0.5)]
    [InlineData(256, 128, 49152, 80, 0.25)]
    [InlineData(256, 204, 73728, 90, 0.125)]
    [InlineData(256, 40, 0, 86, 1.0)]
    public void Occupancy_is_bounded_by_registers_and_shared_memory(int threads, int registers, int shared, int target, double want) =>
        Assert.Equal(want, KernelFacts.OccupancyOf(threads, registers, shared, new(target / 10, target % 10)), 6);

    static string Compile(string name, Action<Arguments> body) => Compiler.Compile(new Kernel<Arguments>(name, body), Hopper);

    /// <summary>What inline PTX passes as constants comes through registers, and through slots that were cleared before.</summary>
    [Fact]
    public void Sums_of_warp_groups_get_names()
    {
        string ptx = WarpgroupSums.Apply("k", string.Join(
            '\n', "\t.reg .b32\t%r1;", "\tmov.b32\t%slot, 0;", "\tmov.b32\t%r1, 64;", "\tmov.b32\t%slot, %r1;",
            "\tmov.b32\t%r2, %slot;", "\tmov.b32\t%r3, 1;", "\twarpgroup.clear %r2, %r3;",
            "\twarpgroup.multiplyrows %r2, %r3, 2, %r4, %r5, %r6, %r7, %r8, %r9;",
            "\twarpgroup.get %r2, %r3, %r3, %f1, %f2, %f3, %f4;", ""));
        Assert.Equal(32, ptx.Split(", 0f00000000;").Length - 1);
        Assert.Contains("\t.reg .f32\tsum1x0, ", ptx);
        Assert.Contains("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {sum1x0,sum1x1,", ptx);
        Assert.Contains("{%r4,%r5,%r6,%r7}, ofB, adds, 1, 1, 1;", ptx);
        Assert.Contains("\tmov.f32\t%f1, sum1x4;\n", ptx);
        Assert.DoesNotContain("warpgroup.", ptx);
        KernelException error = Assert.Throws<KernelException>(
            () => WarpgroupSums.Apply("k", "\t.reg .b32\t%r1;\n\twarpgroup.clear %r1, 0;\n"));
        Assert.Equal("kernel k: %r1 of a warp group's sums is no constant", error.Message);
    }

    [Fact]
    public void Warp_groups_are_refused_on_other_generations() => Assert.Equal(
        "kernel matmul_warpgroups_128x128_nt: products of warp groups are for sm_90 alone, not for sm_80",
        Assert.Throws<KernelException>(() => Compiler.Compile(
            TiledKernels.BFloat16Warpgroups128.Nt, new ComputeCapability(8, 0))).Message);
}
