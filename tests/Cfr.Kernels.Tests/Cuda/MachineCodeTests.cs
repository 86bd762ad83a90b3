using Cfr.Kernels.Cuda.Compile;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Instructions that no kernel here has are counted, too; those that they have stand in their table.</summary>
public class MachineCodeTests
{
    /// <summary>A store and a load at an address that is known when it runs, and a load at one that is known before.</summary>
    const string Ptx = """
        .version 7.8
        .target sm_80
        .address_size 64
        .visible .entry local(.param .u64 p, .param .u32 n)
        {
            .local .align 4 .b8 kept[256];
            .reg .u64 %rd<6>;
            .reg .u32 %r<4>;
            .reg .f32 %f<4>;
            ld.param.u64 %rd1, [p];
            ld.param.u32 %r1, [n];
            mov.u64 %rd2, kept;
            and.b32 %r2, %r1, 63;
            mul.wide.u32 %rd3, %r2, 4;
            add.u64 %rd4, %rd2, %rd3;
            ld.global.f32 %f1, [%rd1];
            st.local.f32 [%rd4], %f1;
            ld.local.f32 %f2, [%rd2];
            st.global.f32 [%rd1], %f2;
            ret;
        }
        """;

    [Theory, InlineData(80), InlineData(90)]
    public void Accesses_of_local_memory_are_found(int target)
    {
        if (CudaTools.Find() is not { } tools) { Assert.Skip("no ptxas here; scripts/get-ptxas.sh fetches it"); return; }
        using var folder = new TestKit.TemporaryFolder();
        string source = folder.File("local.ptx"), cubin = folder.File("local.cubin");
        File.WriteAllText(source, PtxText.Target("local", Ptx, new ComputeCapability(target / 10, target % 10)));
        tools.Assemble("local", source, cubin);
        byte[] bytes = File.ReadAllBytes(cubin);
        Assert.Equal(new MachineCode(0, 0, 0, LocalAccesses: 2), MachineCode.Of(bytes));
        Assert.Throws<InvalidDataException>(() => MachineCode.Of(bytes.AsSpan(0, bytes.Length / 2)));
        Assert.Throws<InvalidDataException>(() => MachineCode.Of("ELF"u8));
    }
}
