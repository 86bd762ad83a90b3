using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Products on the CUDA kernels, in the emulator.</summary>
public class GpuMatmulTests
{
    static readonly EmulatedDevice Device = new();

    /// <summary>Tiles of the same code as the large ones, but of one or two warps, which the emulator runs faster.</summary>
    static readonly Dictionary<string, (TileKernels Tile, int DroppedBits)> SmallTiles = new()
    {
        ["float32"] = (TiledKernels.Float32Small, 0),
        ["tf32"] = (TiledKernels.Tensor<Tf32Mma, WarpTile64, OneWarp, LineMajor32>("tf32_one_warp"), 13),
        ["bfloat16"] = (TiledKernels.Tensor<BFloat16Mma, WarpTile64, OneWarp, LineMajor16>("bfloat16_one_warp"), 16),
    };

    public static TheoryData<string> Types => [.. SmallTiles.Keys];

    public static TheoryData<string> Tiles =>
        [.. TiledKernels.Float32.Concat(TiledKernels.Tf32).Concat(TiledKernels.BFloat16).Select(tile => tile.Nn.Name[..^3])];

    [Fact]
    public void The_first_rungs_match_double_precision_in_any_layout_and_epilogue()
    {
        for (int seed = 1; seed < 40; seed++)
        {
            if (seed % 8 == 0) continue;
            var one = MatmulCase.Draw(seed);
            Check(one, seed % 2 == 0 ? MatmulRung.Naive : MatmulRung.Shared);
        }
    }

    [Theory, MemberData(nameof(Types))]
    public void Tiles_match_double_precision_in_any_layout_and_epilogue(string type)
    {
        var (tile, droppedBits) = SmallTiles[type];
        (int M, int N, int K)[] sizes = [(3, 4, 5), (65, 12, 40), (16, 67, 33), (64, 64, 64), (7, 8, 0), (20, 72, 100)];
        for (int seed = 0; seed < 18; seed++)
        {
            var (m, n, k) = sizes[seed % sizes.Length];
            Check(
                MatmulCase.Draw(seed, m, n, k, batch: seed % 5 == 4 ? 2 : 1) with { DroppedBits = droppedBits },
                tile.Type == DType.BFloat16 || droppedBits > 0 ? MatmulRung.TensorCores : MatmulRung.Registers, tile);
        }
    }

    [Theory, MemberData(nameof(Tiles))]
    public void Each_tile_matches_double_precision(string name)
    {
        TileKernels tile = TiledKernels.Float32.Concat(TiledKernels.Tf32).Concat(TiledKernels.BFloat16)
            .Single(tile => tile.Nn.Name[..^3] == name);
        bool isTf32 = name.Contains("tf32");
        Check(
            MatmulCase.Draw(name.Length, tile.Rows - 3, tile.Columns - 8, 2 * Tile.StageBytes / tile.Type.Bytes())
                with { DroppedBits = isTf32 ? 13 : tile.Type == DType.BFloat16 ? 16 : 0 },
            tile.Nn.TensorCores ? MatmulRung.TensorCores : MatmulRung.Registers, tile);
    }

    static void Check(MatmulCase one, MatmulRung rung, TileKernels? tile = null)
    {
        var matmul = (GpuMatmul)Device.Matmul;
        var (want, wantBefore) = one.Reference();
        var (got, before) = one.Run(
            Device, (a, b, c, batch, epilogue) => matmul.Multiply(rung, a, b, c, batch, epilogue, tile));
        double rounding = 1e-6 * (2 + Math.Sqrt(one.A.Columns));
        Numbers.AssertClose(want, got, 1e-6, rounding);
        if (one.KeepsPreActivation) Numbers.AssertClose(wantBefore, before, 1e-6, rounding);
    }
}
