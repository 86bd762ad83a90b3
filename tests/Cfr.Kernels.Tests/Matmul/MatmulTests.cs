namespace Cfr.Kernels.Tests;

public class MatmulTests
{
    const int Cases = 400;

    [Fact]
    public void Products_of_any_layout_and_epilogue_match_double_precision()
    {
        for (int seed = 0; seed < Cases; seed++)
        {
            var one = Case.Draw(seed);
            var (want, wantBefore) = one.Reference();
            foreach (Device device in CpuForms.All)
            {
                var (got, before) = one.Run(device);
                double rounding = 1e-6 * (2 + Math.Sqrt(one.A.Columns));
                Numbers.AssertClose(want, got, 1e-6, rounding);
                if (one.KeepsPreActivation) Numbers.AssertClose(wantBefore, before, 1e-6, rounding);
            }
        }
    }

    [Fact]
    public void Products_are_the_same_bits_on_any_number_of_threads()
    {
        using Cpu.CpuDevice alone = new(threads: 1, vectorWidth: 8), team = new(threads: 3, vectorWidth: 8);
        for (int seed = 0; seed < Cases; seed++)
        {
            var one = Case.Draw(seed);
            var (want, wantBefore) = one.Run(alone);
            var (got, before) = one.Run(team);
            Assert.Equal(Bits(want), Bits(got));
            Assert.Equal(Bits(wantBefore), Bits(before));
        }
    }

    [Fact]
    public void A_NaN_reaches_its_row_and_column_only()
    {
        const int Size = 40;
        float[] a = Numbers.Draw(Size * Size), b = Numbers.Draw(Size * Size, seed: 2);
        a[7 * Size + 3] = float.NaN;
        b[5 * Size + 11] = float.NaN;
        using var operands = new Operands(CpuForms.All[1]);
        View c = operands.Output(Size * Size);
        operands.Device.Matmul.Multiply(
            Matrix.Dense(operands.Of(a), Size, Size), Matrix.Dense(operands.Of(b), Size, Size),
            Matrix.Dense(c, Size, Size));
        float[] got = operands.Floats(c);
        for (int row = 0; row < Size; row++)
            for (int column = 0; column < Size; column++)
                Assert.Equal(row == 7 || column == 11, float.IsNaN(got[row * Size + column]));
    }

    static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    /// <summary>
    /// A product with strides, a batch and an epilogue drawn at random; gaps in C must stay as they were.
    /// </summary>
    sealed record Case(
        Matrix A, Matrix B, Matrix C, int Batch, Epilogue Epilogue, bool HasBias, bool HasResidual, int Seed)
    {
        static readonly int[] Small = [1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16, 17, 31, 33, 48];
        static readonly int[] Large = [1, 5, 65, 169, 257, 400];

        public bool KeepsPreActivation { get; private init; }

        public static Case Draw(int seed)
        {
            var random = new Random(seed);
            int[] sizes = seed % 8 == 0 ? Large : Small;
            int m = Pick(sizes), n = Pick(sizes);
            int k = seed % 8 == 0 ? Pick([1, 8, 384, 385, 800]) : Pick([0, 1, 2, 5, 9, 32, 70]);
            int batch = random.Next(3) == 0 ? random.Next(5) : 1;
            bool accumulates = random.Next(4) == 0, isPlain = accumulates || random.Next(4) == 0;
            return new Case(
                Layout(m, k, random.Next(2) == 0, random.Next(6) == 0),
                Layout(k, n, random.Next(2) == 0, random.Next(3) == 0),
                Layout(m, n, false, false), batch,
                new Epilogue(
                    Activation: isPlain ? Activation.None : (Activation)random.Next(3), Accumulate: accumulates),
                !isPlain && random.Next(2) == 0, !isPlain && random.Next(2) == 0, seed)
            {
                KeepsPreActivation = !isPlain && random.Next(2) == 0,
            };

            int Pick(int[] from) => from[random.Next(from.Length)];

            Matrix Layout(int rows, int columns, bool transposed, bool shared)
            {
                long stride = (transposed ? rows : columns) + random.Next(3);
                long count = (transposed ? columns : rows) * stride;
                return new Matrix(default, rows, columns, stride, shared ? 0 : count + random.Next(3), transposed);
            }
        }

        public (double[] C, double[] PreActivation) Reference()
        {
            double[] c = Result().Doubles(), before = Nothing().Doubles();
            MatmulNaive.Multiply<double>(
                A, Left().Doubles(), B, Right().Doubles(), C, c, Batch, HasBias ? Bias().Doubles() : [],
                Epilogue.Activation, KeepsPreActivation ? before : [], HasResidual ? Residual().Doubles() : [], Epilogue.Accumulate);
            return (c, before);
        }

        public (float[] C, float[] PreActivation) Run(Device device)
        {
            using var operands = new Operands(device);
            View c = operands.Of(Result()), before = operands.Of(Nothing());
            device.Matmul.Multiply(
                A with { Data = operands.Of(Left()) }, B with { Data = operands.Of(Right()) }, C with { Data = c },
                Batch,
                Epilogue with
                {
                    Bias = HasBias ? operands.Of(Bias()) : default,
                    PreActivation = KeepsPreActivation ? before : default,
                    Residual = HasResidual ? operands.Of(Residual()) : default,
                });
            return (operands.Floats(c), operands.Floats(before));
        }

        float[] Left() => Numbers.Draw(Count(A), Seed);

        float[] Right() => Numbers.Draw(Count(B), Seed + 1);

        float[] Bias() => Numbers.Draw(C.Columns, Seed + 2);

        float[] Residual() => Numbers.Draw(Count(C), Seed + 3);

        float[] Nothing()
        {
            float[] nothing = new float[Count(C)];
            Array.Fill(nothing, float.NaN);
            return nothing;
        }

        /// <summary>What C holds before: NaN, or numbers where the product adds to it.</summary>
        float[] Result()
        {
            float[] c = Nothing(), numbers = Numbers.Draw(c.Length, Seed + 4);
            for (int i = 0; Epilogue.Accumulate && i < Batch * C.Rows * C.Columns; i++)
            {
                int matrix = i / (C.Rows * C.Columns), row = i / C.Columns % C.Rows, column = i % C.Columns;
                long at = matrix * C.BatchStride + row * C.RowStride + column;
                c[at] = numbers[at];
            }
            return c;
        }

        long Count(Matrix matrix)
        {
            int lines = matrix.Transposed ? matrix.Columns : matrix.Rows;
            return Math.Max(Batch - 1, 0) * matrix.BatchStride + lines * matrix.RowStride;
        }
    }
}
