using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.TestKit;

namespace Cfr.GpuBench;

/// <summary>
/// Every rung and tile of the matrix products, in every layout, against sums in double precision. The factors are drawn
/// in the tile's own precision, so that tensor cores round nothing and the bound is that of float32 sums.
/// </summary>
static class Ladder
{
    /// <summary>
    /// The size and the batch; whether bias, GELU and residual follow. Odd sizes leave ragged tiles and operands that
    /// must be copied; few tiles with a long sum are cut into pieces.
    /// </summary>
    public sealed record Size(int M, int N, int K, int Batch = 1, bool HasEpilogue = false)
    {
        public override string ToString() => $"{Batch} x {M}x{N}x{K}{(HasEpilogue ? " + bias, gelu, residual" : "")}";
    }

    /// <summary>Direct, ragged, in pieces, a batch, and whole tiles of 128 with an epilogue.</summary>
    public static readonly Size[] Sizes =
    [
        new(300, 260, 200), new(999, 513, 777), new(130, 72, 3001), new(75, 91, 130, 3), new(256, 384, 160, 2, true),
        new(301, 257, 520, 1, true),
    ];

    static readonly (string Name, MatmulRung Rung, TileKernels? Tile)[] Rungs =
    [
        ("naive", MatmulRung.Naive, null), ("shared", MatmulRung.Shared, null),
        .. TiledKernels.Float32.Select(tile => (Name(tile), MatmulRung.Registers, tile)),
        .. TiledKernels.Tf32.Concat(TiledKernels.BFloat16).Concat(TiledKernels.BFloat16OfHopper).Distinct()
            .Select(tile => (Name(tile), MatmulRung.TensorCores, tile)),
    ];

    /// <summary>The products of these sizes, each with what checks it.</summary>
    public static IEnumerable<(string Name, Action Check)> Cases(GpuDevice device, Size[] sizes)
    {
        foreach (Size size in sizes)
            foreach (var group in Rungs.GroupBy(rung => DroppedBits(rung.Tile)))
            {
                var product = new Lazy<Product>(() => new Product(size, group.Key));
                foreach (var (name, rung, tile) in group)
                    foreach (var (transposeA, transposeB) in Layouts)
                    {
                        bool runs = tile is null || tile.Takes(!transposeA)
                            && (tile.Nn.WarpgroupSums == 0 || device.HasWarpgroups);
                        if (!runs) continue;
                        string what = $"{name} {Letter(transposeA)}{Letter(transposeB)}, {size}";
                        yield return (what, () => product.Value.Check(what, device, rung, tile, transposeA, transposeB));
                    }
            }
        foreach (Size size in (Size[])[new(5, 260, 200), new(333, 3, 777), new(1, 1, 3001), new(8, 90, 64, 3, true)])
        {
            var product = new Lazy<Product>(() => new Product(size, 0));
            foreach (var (transposeA, transposeB) in Layouts)
            {
                string what = $"skinny {Letter(transposeA)}{Letter(transposeB)}, {size}";
                yield return (what, () => product.Value.Check(
                    what, device, MatmulRung.Skinny, null, transposeA, transposeB));
            }
        }
    }

    static readonly (bool, bool)[] Layouts = [(false, false), (false, true), (true, false), (true, true)];

    static string Name(TileKernels tile) => tile.Nn.Name[..^"_nn".Length];

    static char Letter(bool transposed) => transposed ? 't' : 'n';

    /// <summary>Low bits of a float32 that the tile's factors do not have.</summary>
    static int DroppedBits(TileKernels? tile) => tile is null || !tile.Nn.TensorCores ? 0
        : tile.Type == DType.BFloat16 ? 16
        : 13;

    /// <summary>The numbers of a product, and what should come out.</summary>
    sealed class Product
    {
        readonly Size _size;
        readonly float[] _a, _b, _bias, _residual;
        readonly double[] _want;

        public Product(Size size, int droppedBits)
        {
            var (m, n, k, batch, hasEpilogue) = size;
            _size = size;
            var random = new Random(1);
            _a = Draw(batch * m * k, droppedBits);
            _b = Draw(batch * k * n, droppedBits);
            _bias = Draw(hasEpilogue ? n : 0, 0);
            _residual = Draw(hasEpilogue ? batch * m * n : 0, 0);
            _want = new double[batch * m * n];
            MatmulNaive.Multiply<double>(
                Matrix.Dense(default, m, k), Doubles(_a), Matrix.Dense(default, k, n), Doubles(_b),
                Matrix.Dense(default, m, n), _want, batch, Doubles(_bias),
                hasEpilogue ? Activation.Gelu : Activation.None, [], Doubles(_residual), false);

            float[] Draw(int count, int dropped) =>
            [
                .. Enumerable.Range(0, count).Select(_ => BitConverter.Int32BitsToSingle(
                    BitConverter.SingleToInt32Bits(2 * random.NextSingle() - 1) >> dropped << dropped)),
            ];
        }

        public void Check(
            string what, GpuDevice device, MatmulRung rung, TileKernels? tile, bool transposeA, bool transposeB)
        {
            var (m, n, k, batch, hasEpilogue) = _size;
            List<DeviceBuffer> buffers = [];
            try
            {
                View c = Empty(_want.Length);
                device.FillBytes(c.Address, 4L * c.Count, 0xFF);
                Matrix a = Operand(_a, m, k, transposeA), b = Operand(_b, k, n, transposeB);
                Epilogue epilogue = hasEpilogue
                    ? new Epilogue(Upload(_bias), Activation.Gelu, Residual: Upload(_residual))
                    : default;
                ((GpuMatmul)device.Matmul).Multiply(rung, a, b, Matrix.Dense(c, m, n), batch, epilogue, tile);
                float[] got = new float[_want.Length];
                device.Download(c, got);
                double allowed = Tolerance.ForSum(k) * _want.Max(Math.Abs);
                for (int i = 0; i < got.Length; i++)
                    if (!(Math.Abs(got[i] - _want[i]) <= allowed))
                        throw new CheckException(
                            $"{what}: element {i} is {got[i]:G9}, expected {_want[i]:G9} (allowed {allowed:E1})");
            }
            finally
            {
                foreach (DeviceBuffer buffer in buffers) buffer.Release();
            }

            Matrix Operand(float[] values, int rows, int columns, bool transposed) => transposed
                ? Matrix.Dense(Upload(Turned(values, rows, columns)), columns, rows).T
                : Matrix.Dense(Upload(values), rows, columns);

            View Upload(float[] values)
            {
                View view = Empty(values.Length);
                device.Upload<float>(values, view);
                return view;
            }

            View Empty(int count)
            {
                DeviceBuffer buffer = device.Allocate(DType.Float32, count);
                buffers.Add(buffer);
                return new View(buffer.Address, count, DType.Float32);
            }
        }

        /// <summary>Each matrix transposed.</summary>
        static float[] Turned(float[] values, int rows, int columns)
        {
            float[] turned = new float[values.Length];
            for (int i = 0; i < values.Length; i++)
            {
                int matrix = i / (rows * columns), row = i / columns % rows, column = i % columns;
                turned[(matrix * columns + column) * rows + row] = values[i];
            }
            return turned;
        }

        static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
    }
}
