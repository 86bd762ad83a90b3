namespace Cfr.Kernels.Tests;

/// <summary>
/// A product with strides, a batch and an epilogue drawn at random; gaps in C must stay as they were.
/// </summary>
sealed record MatmulCase(
    Matrix A, Matrix B, Matrix C, int Batch, Epilogue Epilogue, bool HasBias, bool HasResidual, int Seed)
{
    static readonly int[] Small = [1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16, 17, 31, 33, 48];
    static readonly int[] Large = [1, 5, 65, 169, 257, 400];

    public bool KeepsPreActivation { get; private init; }

    /// <summary>
    /// Bits of the factors' mantissas that are zero: 16 leave a bfloat16, 13 a TF32, so that these round nothing.
    /// </summary>
    public int DroppedBits { get; init; }

    public static MatmulCase Draw(int seed)
    {
        var random = new Random(seed);
        int[] sizes = seed % 8 == 0 ? Large : Small;
        int m = Pick(sizes), n = Pick(sizes);
        int k = seed % 8 == 0 ? Pick([1, 8, 384, 385, 800]) : Pick([0, 1, 2, 5, 9, 32, 70]);
        return Draw(random, seed, m, n, k, batch: random.Next(3) == 0 ? random.Next(5) : 1);

        int Pick(int[] from) => from[random.Next(from.Length)];
    }

    /// <summary>Layouts and epilogue at random for a given size.</summary>
    public static MatmulCase Draw(int seed, int m, int n, int k, int batch = 1) =>
        Draw(new Random(seed), seed, m, n, k, batch);

    static MatmulCase Draw(Random random, int seed, int m, int n, int k, int batch)
    {
        bool accumulates = random.Next(4) == 0, isPlain = accumulates || random.Next(4) == 0;
        return new MatmulCase(
            Layout(m, k, random.Next(2) == 0, random.Next(6) == 0),
            Layout(k, n, random.Next(2) == 0, random.Next(3) == 0),
            Layout(m, n, false, false), batch,
            new Epilogue(
                Activation: isPlain ? Activation.None : (Activation)random.Next(3), Accumulate: accumulates),
            !isPlain && random.Next(2) == 0, !isPlain && random.Next(2) == 0, seed)
        {
            KeepsPreActivation = !isPlain && random.Next(2) == 0,
        };

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
            Epilogue.Activation, KeepsPreActivation ? before : [], HasResidual ? Residual().Doubles() : [],
            Epilogue.Accumulate);
        return (c, before);
    }

    public (float[] C, float[] PreActivation) Run(Device device) => Run(device, device.Matmul.Multiply);

    /// <summary>Runs it on a device, by one of its ways to multiply.</summary>
    public (float[] C, float[] PreActivation) Run(Device device, Action<Matrix, Matrix, Matrix, int, Epilogue> multiply)
    {
        using var operands = new Operands(device);
        View c = operands.Of(Result()), before = operands.Of(Nothing());
        multiply(
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

    float[] Left() => Array.ConvertAll(Numbers.Draw(Count(A), Seed), Round);

    float[] Right() => Array.ConvertAll(Numbers.Draw(Count(B), Seed + 1), Round);

    /// <summary>Drops the low bits of a factor.</summary>
    float Round(float factor) =>
        BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(factor) >> DroppedBits << DroppedBits);

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
