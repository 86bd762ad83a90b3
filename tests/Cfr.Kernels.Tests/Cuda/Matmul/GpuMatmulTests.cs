using Cfr.Kernels.Cuda;
using Cfr.TestKit.Ptx;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Products on the CUDA kernels, in the emulator.</summary>
public class GpuMatmulTests
{
    static readonly EmulatedDevice Device = new();

    /// <summary>
    /// Tiles of the same code as the large ones, but of one or two warps, which the emulator runs faster.
    /// </summary>
    static readonly Dictionary<string, (TileKernels Tile, int DroppedBits)> SmallTiles = new()
    {
        ["float32"] = (TiledKernels.Float32Small, 0),
        ["tf32"] = (TiledKernels.Tensor<Tf32Mma, WarpTile64, Fragments64, OneWarp, LineMajor32>("tf32_one_warp"), 13),
        ["bfloat16"] = (TiledKernels.Tensor<BFloat16Mma, WarpTile64, Fragments64, OneWarp, LineMajor16>("bfloat16_one_warp"), 16),
    };

    public static TheoryData<string> Types => [.. SmallTiles.Keys];

    static readonly Dictionary<string, TileKernels> AllTiles = TiledKernels.Float32.Concat(TiledKernels.Tf32)
        .Concat(TiledKernels.BFloat16).ToDictionary(tile => tile.Nn.Name[..^3]);

    public static TheoryData<string> Tiles => [.. AllTiles.Keys];

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

    [Fact]
    public void Few_rows_or_columns_match_double_precision_in_any_layout_and_epilogue()
    {
        (int M, int N, int K)[] sizes =
            [(4, 20, 70), (18, 4, 64), (1, 1, 200), (7, 9, 0), (8, 33, 36), (40, 5, 132), (70, 2, 16), (16, 3, 999)];
        for (int seed = 0; seed < 40; seed++)
        {
            var (m, n, k) = sizes[seed % sizes.Length];
            Check(MatmulCase.Draw(seed, m, n, k, batch: seed % 5 == 4 ? 2 : 1), MatmulRung.Skinny);
        }
    }

    [Theory, InlineData(33_000, 2, 16), InlineData(5, 32_800, 12), InlineData(32_768, 7, 4)]
    public void Many_short_rows_match_double_precision(int m, int n, int k) => Check(
        MatmulCase.Draw(seed: k, m, n, k) with
        {
            A = Matrix.Dense(default, m, k),
            B = Matrix.Dense(default, n, k).T,
            C = Matrix.Dense(default, m, n),
        },
        MatmulRung.Skinny);

    [Fact]
    public void Sums_of_few_products_match_double_precision_in_any_layout_and_epilogue()
    {
        (int M, int N, int K)[] sizes = [(70, 16, 2), (9, 13, 3), (130, 36, 8), (11, 600, 4), (10, 12, 1), (5, 9, 0)];
        for (int seed = 0; seed < 36; seed++)
        {
            var (m, n, k) = sizes[seed % sizes.Length];
            Check(MatmulCase.Draw(seed, m, n, k, batch: seed % 5 == 4 ? 2 : 1), MatmulRung.Short);
        }
    }

    [Fact]
    public void Sums_cut_into_pieces_are_the_same_bits_twice()
    {
        var one = MatmulCase.Draw(3, 20, 24, 600);
        float[] first = Run(one), second = Run(one);
        Numbers.AssertClose(one.Reference().C, first, 1e-6, 1e-6 * Math.Sqrt(600));
        Assert.Equal(first.AsSpan(), second.AsSpan());

        static float[] Run(MatmulCase one) => one.Run(
            Device, (a, b, c, batch, epilogue) =>
                ((GpuMatmul)Device.Matmul).Multiply(MatmulRung.Registers, a, b, c, batch, epilogue)).C;
    }

    [Theory, InlineData(DType.BFloat16), InlineData(DType.Float32)]
    public void Operands_and_results_may_be_bfloat16(DType typeOfB)
    {
        const int M = 9, N = 11, K = 13;
        float[] a = Rounded(M * K, 1), b = Rounded(K * N, 2), held = Rounded(M * N, 3);
        double[] want = held.Doubles();
        MatmulNaive.Multiply<double>(
            Matrix.Dense(default, M, K), a.Doubles(), Matrix.Dense(default, K, N), b.Doubles(),
            Matrix.Dense(default, M, N), want, 1, [], Activation.None, [], [], accumulate: true);
        using var operands = new Operands(Device);
        View c = Halves(operands, held);
        Device.Matmul.Multiply(
            Matrix.Dense(Halves(operands, a), M, K),
            Matrix.Dense(typeOfB == DType.BFloat16 ? Halves(operands, b) : operands.Of(b), K, N),
            Matrix.Dense(c, M, N), 1, new Epilogue(Accumulate: true));
        Numbers.AssertClose(want, Floats(c), 1.0 / 256);
    }

    [Theory, InlineData("shared", 7), InlineData("skinny", 7), InlineData("float32", 7), InlineData("tf32", 7)]
    [InlineData("skinny", 4), InlineData("naive", 8), InlineData("skinny", 8), InlineData("float32", 8), InlineData("bfloat16", 8)]
    public void A_bfloat16_result_between_gaps_has_its_residual_and_pre_activation_where_it_has_its_elements(
        string way, int columns)
    {
        const int M = 5, K = 16, Batch = 2, Row = 12, Matrices = M * Row + 20, Count = Matrices + M * Row;
        var (tile, _) = SmallTiles.GetValueOrDefault(way);
        MatmulRung rung = way switch
        {
            "naive" => MatmulRung.Naive,
            "shared" => MatmulRung.Shared,
            "skinny" => MatmulRung.Skinny,
            "float32" => MatmulRung.Registers,
            _ => MatmulRung.TensorCores,
        };
        float[] a = Rounded(Batch * M * K, 1), b = Rounded(Batch * K * columns, 2), held = Rounded(Count, 3);
        float[] bias = Numbers.Draw(columns, 4), residual = Numbers.Draw(Count, 5);
        Matrix ofA = Matrix.Dense(default, M, K), ofB = Matrix.Dense(default, K, columns);
        var ofC = new Matrix(default, M, columns, Row, Matrices);
        using var operands = new Operands(Device);
        View c = Halves(operands, held), before = operands.Of(held);
        double[] want = held.Doubles(), wantBefore = held.Doubles();

        Multiply(new Epilogue(operands.Of(bias), Activation.Relu, before, operands.Of(residual)));
        MatmulNaive.Multiply<double>(
            ofA, a.Doubles(), ofB, b.Doubles(), ofC, want, Batch, bias.Doubles(), Activation.Relu, wantBefore,
            residual.Doubles(), accumulate: false);
        Numbers.AssertClose(want, Floats(c), 1.0 / 256);
        Numbers.AssertClose(wantBefore, operands.Floats(before), 1e-6, 1e-5);

        foreach (bool accumulate in new[] { true, false })
        {
            want = Floats(c).Doubles();
            Multiply(new Epilogue(Accumulate: accumulate));
            MatmulNaive.Multiply<double>(
                ofA, a.Doubles(), ofB, b.Doubles(), ofC, want, Batch, [], Activation.None, [], [], accumulate);
            Numbers.AssertClose(want, Floats(c), 1.0 / 256);
        }

        void Multiply(Epilogue epilogue) => ((GpuMatmul)Device.Matmul).Multiply(
            rung, ofA with { Data = Halves(operands, a) }, ofB with { Data = Halves(operands, b) },
            ofC with { Data = c }, Batch, epilogue, tile);
    }

    [Theory, InlineData(int.MaxValue, 256), InlineData(101_376, 128), InlineData(131_072, 256)]
    public void A_tile_fits_into_the_shared_memory_of_a_block(int bytes, int columns)
    {
        using var device = new EmulatedDevice(Precision.BFloat16) { SharedBytesOfGpu = bytes };
        var large = Matrix.Dense(default, 4096, 4096);
        TileKernels tile = ((GpuMatmul)device.Matmul).Tile(MatmulRung.TensorCores, large, large, batch: 1);
        Assert.Equal((128, columns), (tile.Rows, tile.Columns));
        Assert.All(tile.All, kernel => Assert.True(kernel.SharedBytes <= bytes));
    }

    [Theory]
    [InlineData(4096, 768, false, "192x128"), InlineData(4096, 2304, false, "192x128")]
    [InlineData(4096, 3072, false, "128x256"), InlineData(8192, 8192, false, "128x256")]
    [InlineData(4096, 768, true, "128x128"), InlineData(16384, 768, false, "128x256")]
    [InlineData(64, 768, false, "64x64"), InlineData(200_000, 60, false, "64x64")]
    [InlineData(4096, 768, true, "128x192", true), InlineData(16384, 3072, false, "128x192", true)]
    [InlineData(16384, 128, false, "128x128", true), InlineData(4096, 256, false, "64x64", true)]
    public void The_tile_is_the_one_that_spreads_best(
        int m, int n, bool transposedA, string want, bool hasWarpgroups = false)
    {
        using var device = new EmulatedDevice(Precision.BFloat16)
        {
            SharedBytesOfGpu = int.MaxValue,
            HasWarpgroups = hasWarpgroups,
        };
        Matrix a = transposedA ? Matrix.Dense(default, 64, m).T : Matrix.Dense(default, m, 64);
        TileKernels tile = ((GpuMatmul)device.Matmul).Tile(
            MatmulRung.TensorCores, a, Matrix.Dense(default, m, n), batch: 1);
        Assert.Equal(want, $"{tile.Rows}x{tile.Columns}");
    }

    static View Halves(Operands operands, float[] values)
    {
        View view = operands.Output((values.Length + 1) / 2) with { Type = DType.BFloat16, Count = values.Length };
        ushort[] halves = Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToInt32Bits(v) >> 16));
        Device.Upload<ushort>(halves, view);
        return view;
    }

    static float[] Floats(View view)
    {
        ushort[] halves = new ushort[view.Count];
        Device.Download<ushort>(view, halves);
        return Array.ConvertAll(halves, half => BitConverter.Int32BitsToSingle(half << 16));
    }

    static float[] Rounded(int count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed), v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) >> 16 << 16));

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
        TileKernels tile = AllTiles[name];
        int m = tile.Rows - 3, n = tile.Columns - 8, k = 2 * Tile.StageBytes / tile.Type.Bytes();
        MatmulRung rung = tile.Nn.TensorCores ? MatmulRung.TensorCores : MatmulRung.Registers;
        MatmulCase one = MatmulCase.Draw(name.Length, m, n, k) with
        {
            DroppedBits = name.Contains("tf32") ? 13 : tile.Type == DType.BFloat16 ? 16 : 0,
        };
        if (tile.Takes(kMajorA: false))
        {
            Check(one, rung, tile);
            return;
        }
        one = one with { A = Matrix.Dense(default, m, k), B = Matrix.Dense(default, k, n) };
        Check(one, rung, tile);
        Check(one with { B = Matrix.Dense(default, n, k).T }, rung, tile);
    }

    /// <summary>
    /// More stages than lie in shared memory at once, and the last of them ragged, in all four layouts: what the kernels
    /// say in C#, and their PTX.
    /// </summary>
    [Theory]
    [InlineData("emulated", 192, 9), InlineData("emulated", 128, 230), InlineData("emulated", 192, 400)]
    [InlineData("ptx", 192, 230), InlineData("ptx", 128, 200), InlineData("ptx", 192, 0)]
    public void Warp_groups_match_double_precision(string name, int columns, int k)
    {
        using GpuDevice device = name == "ptx" ? new PtxDevice(Precision.BFloat16) : new EmulatedDevice(Precision.BFloat16);
        TileKernels tile = columns == 192 ? TiledKernels.BFloat16Warpgroups192 : TiledKernels.BFloat16Warpgroups128;
        int m = 133, n = columns - 20;
        foreach (bool turnedA in (bool[])[false, true])
            foreach (bool turnedB in (bool[])[false, true])
                Check(
                    MatmulCase.Draw(k + columns, m, n, k) with
                    {
                        DroppedBits = 16,
                        A = turnedA ? Matrix.Dense(default, k, m).T : Matrix.Dense(default, m, k),
                        B = turnedB ? Matrix.Dense(default, n, k).T : Matrix.Dense(default, k, n),
                    },
                    MatmulRung.TensorCores, tile, device);
    }

    static void Check(MatmulCase one, MatmulRung rung, TileKernels? tile = null, GpuDevice? device = null)
    {
        device ??= Device;
        var matmul = (GpuMatmul)device.Matmul;
        var (want, wantBefore) = one.Reference();
        var (got, before) = one.Run(
            device, (a, b, c, batch, epilogue) => matmul.Multiply(rung, a, b, c, batch, epilogue, tile));
        double rounding = 1e-6 * (2 + Math.Sqrt(one.A.Columns));
        Numbers.AssertClose(want, got, 1e-6, rounding);
        if (one.KeepsPreActivation) Numbers.AssertClose(wantBefore, before, 1e-6, rounding);
    }
}
