using Cfr.Kernels;
using Cfr.Kernels.Cuda;

namespace Cfr.GpuBench;

/// <summary>
/// One thing to time: what it is called here and in <c>bench/peers/torch_cuda.py</c>, what it costs, and how it is
/// launched.
/// </summary>
/// <param name="Name">Case and precision: <c>matmul 4096x4096x4096 bf16</c>.</param>
/// <param name="Flop">Floating-point operations, or 0 where bytes alone count.</param>
/// <param name="Bytes">Bytes that must move: inputs once, outputs once.</param>
/// <param name="Launch">Starts it once.</param>
sealed record GpuWork(string Name, double Flop, double Bytes, Action Launch);

/// <summary>The list of things to time. Inputs are random; they are made when a group is entered, freed when left.</summary>
static class GpuWorks
{
    const long Large = 1L << 26;

    /// <summary>Groups in order; each makes its work on a device of the precision it wants.</summary>
    public static IEnumerable<(Precision Precision, Func<CudaDevice, Operands, IEnumerable<GpuWork>> Make)> Groups =>
    [
        (Precision.Float32, MemoryBound),
        (Precision.Float32, Norms),
        (Precision.Float32, Training),
        (Precision.Float32, (device, x) => Matmuls(device, x, "fp32", DType.Float32, [(4096, 4096, 4096)])),
        (Precision.TF32, (device, x) => Matmuls(device, x, "tf32", DType.Float32, Shapes)),
        (Precision.BFloat16, (device, x) => Matmuls(device, x, "bf16", DType.BFloat16, Shapes)),
        (Precision.BFloat16, (device, x) => Matmuls(device, x, "bf16 from fp32", DType.Float32, [(4096, 4096, 4096), (4096, 768, 3072)])),
        (Precision.BFloat16, Linears),
    ];

    /// <summary>(M, K, N): square ones, and ViT-B's linear layers for one and four images; two of LoRA's.</summary>
    static readonly (int M, int K, int N)[] Shapes =
    [
        (2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192),
        (4096, 768, 768), (4096, 768, 2304), (4096, 768, 3072), (4096, 3072, 768),
        (16384, 768, 768), (16384, 768, 2304), (16384, 768, 3072), (16384, 3072, 768),
        (4096, 768, 4), (4096, 4, 768),
    ];

    static IEnumerable<GpuWork> Matmuls(
        CudaDevice device, Operands x, string precision, DType type, (int M, int K, int N)[] shapes)
    {
        foreach (var (m, k, n) in shapes)
        {
            // B is stored [N, K], as a linear layer's weights are.
            Matrix a = Matrix.Dense(x.Random(type, (long)m * k), m, k);
            Matrix b = Matrix.Dense(x.Random(type, (long)n * k), n, k).T;
            Matrix c = Matrix.Dense(x.Empty(type, (long)m * n), m, n);
            double bytes = ((double)m * k + (double)n * k + (double)m * n) * type.Bytes();
            yield return new GpuWork(
                $"matmul {m}x{k}x{n} {precision}", 2.0 * m * n * k, bytes, () => device.Matmul.Multiply(a, b, c));
        }
    }

    static IEnumerable<GpuWork> Linears(CudaDevice device, Operands x)
    {
        const int Rows = 16384, Inputs = 768, Outputs = 3072;
        Matrix a = Matrix.Dense(x.Random(DType.BFloat16, (long)Rows * Inputs), Rows, Inputs);
        Matrix b = Matrix.Dense(x.Random(DType.BFloat16, (long)Outputs * Inputs), Outputs, Inputs).T;
        Matrix c = Matrix.Dense(x.Empty(DType.BFloat16, (long)Rows * Outputs), Rows, Outputs);
        View bias = x.Random(DType.Float32, Outputs);
        yield return new GpuWork(
            $"linear+bias+gelu {Rows}x{Inputs}x{Outputs} bf16", 2.0 * Rows * Inputs * Outputs,
            2.0 * ((double)Rows * Inputs + (double)Inputs * Outputs + (double)Rows * Outputs),
            () => device.Matmul.Multiply(a, b, c, epilogue: new Epilogue(bias, Activation.Gelu)));
    }

    static IEnumerable<GpuWork> MemoryBound(CudaDevice device, Operands x)
    {
        View a = x.Random(DType.Float32, Large), b = x.Random(DType.Float32, Large), y = x.Empty(DType.Float32, Large);
        const double One = 4.0 * Large;
        yield return new GpuWork("copy 256 MiB", 0, 2 * One, () => device.ElementWise.Affine(a, 1, 0, y));
        yield return new GpuWork("add 256 MiB", 0, 3 * One, () => device.ElementWise.Binary(BinaryOp.Add, Broadcast.None(Large), a, b, y));
        yield return new GpuWork("gelu 256 MiB", 0, 2 * One, () => device.ElementWise.Unary(UnaryOp.Gelu, a, y));
        yield return new GpuWork("gelu backward 256 MiB", 0, 3 * One, () => device.ElementWise.UnaryBackward(UnaryOp.Gelu, a, b, y));
        yield return new GpuWork("sum 256 MiB", 0, One, () => device.Reduction.Sum(1, Large, 1, a, y.Slice(0, 1)));
        yield return new GpuWork("row sums 65536x1024", 0, One, () => device.Reduction.Sum(1 << 16, 1 << 10, 1, a, y.Slice(0, 1 << 16)));
        yield return new GpuWork("column sums 65536x1024", 0, One, () => device.Reduction.Sum(1, 1 << 16, 1 << 10, a, y.Slice(0, 1 << 10)));
        StridedCopy transpose = StridedCopy.Along([8192, 8192], [1, 8192], [8192, 1]);
        yield return new GpuWork("transpose 8192x8192", 0, 2 * One, () => device.Layout.Copy(transpose, a, y));
        yield return new GpuWork("softmax 65536x1024", 0, 2 * One, () => device.Softmax.Forward(1 << 16, 1 << 10, a, y));
        yield return new GpuWork("softmax backward 65536x1024", 0, 3 * One, () => device.Softmax.Backward(1 << 16, 1 << 10, a, b, y));
        yield return new GpuWork("dropout 256 MiB", 0, 2 * One, () => device.Random.Dropout(new RandomKey(1, 2), 0.1f, 1, 1, Large, a, y));
        yield return new GpuWork("normal 256 MiB", 0, One, () => device.Random.Normal(new RandomKey(1, 2), y, 0, 1));
    }

    static IEnumerable<GpuWork> Norms(CudaDevice device, Operands x)
    {
        const int Rows = 65536, Width = 768, Samples = 4, Channels = 16;
        const long Voxels = 112 * 112 * 80;
        View a = x.Random(DType.Float32, Rows * (long)Width), dy = x.Random(DType.Float32, Rows * (long)Width);
        View y = x.Empty(DType.Float32, Rows * (long)Width);
        View weight = x.Random(DType.Float32, Width), bias = x.Random(DType.Float32, Width);
        View mean = x.Empty(DType.Float32, Rows), deviation = x.Empty(DType.Float32, Rows);
        View dWeight = x.Empty(DType.Float32, Width), dBias = x.Empty(DType.Float32, Width);
        const double Layer = 4.0 * Rows * Width;
        yield return new GpuWork($"layer norm {Rows}x{Width}", 0, 2 * Layer,
            () => device.Normalization.LayerForward(Rows, Width, 1e-5f, a, weight, bias, y, mean, deviation));
        yield return new GpuWork($"layer norm backward {Rows}x{Width}", 0, 3 * Layer,
            () => device.Normalization.LayerBackward(Rows, Width, a, weight, mean, deviation, dy, y, dWeight, dBias));

        var shape = NormShape.PerChannel(Samples, Voxels, Channels);
        long count = Samples * Voxels * Channels;
        View v = x.Random(DType.Float32, count), dv = x.Random(DType.Float32, count), w = x.Empty(DType.Float32, count);
        View m = x.Empty(DType.Float32, Channels), variance = x.Empty(DType.Float32, Channels);
        View scale = weight.Slice(0, Channels), shift = bias.Slice(0, Channels);
        yield return new GpuWork("batch norm+relu 4x112x112x80x16", 0, 3 * 4.0 * count, () =>
        {
            device.Normalization.Statistics(shape, v, m, variance);
            device.Normalization.Normalize(shape, 1e-5f, v, m, variance, scale, shift, Activation.Relu, w);
        });
        yield return new GpuWork("batch norm+relu backward 4x112x112x80x16", 0, 5 * 4.0 * count, () =>
            device.Normalization.Backward(
                shape, 1e-5f, v, m, variance, scale, shift, Activation.Relu, false, dv, w,
                dWeight.Slice(0, Channels), dBias.Slice(0, Channels)));
    }

    static IEnumerable<GpuWork> Training(CudaDevice device, Operands x)
    {
        const long Rows = 4L * 112 * 112 * 80;
        const int Classes = 2;
        View logits = x.Random(DType.Float32, Rows * Classes), labels = x.Labels(Rows, Classes);
        View values = x.Empty(DType.Float32, 3), sums = x.Empty(DType.Float32, 2 + 3 * Classes);
        View one = x.Random(DType.Float32, 1), gradient = x.Empty(DType.Float32, Rows * Classes);
        var shape = new SegmentationLossShape(Rows, Classes, 0.5f, 0.5f, 1e-5f, 1, 255);
        yield return new GpuWork("dice+ce 4x112x112x80, 2 classes", 0, Rows * 4.0 * (Classes + 1),
            () => device.Losses.SegmentationForward(shape, logits, labels, values, sums));
        yield return new GpuWork("dice+ce backward 4x112x112x80, 2 classes", 0, Rows * 4.0 * (2 * Classes + 1),
            () => device.Losses.SegmentationBackward(shape, logits, labels, sums, one, gradient));

        // ViT-B: 12 blocks of these tensors.
        long[] sizes = [.. Enumerable.Repeat((long[])[768 * 2304, 2304, 768 * 768, 768, 768 * 3072, 3072, 3072 * 768, 768, 768, 768, 768, 768], 12).SelectMany(s => s)];
        AdamWSlot[] slots =
        [
            .. sizes.Select(n => new AdamWSlot(
                x.Random(DType.Float32, n), x.Random(DType.Float32, n), x.Random(DType.Float32, n), x.Zeros(n))),
        ];
        yield return new GpuWork("adamw 85 M parameters", 0, 28.0 * sizes.Sum(),
            () => device.Optimizers.AdamW(new AdamWStep(1e-3f, 0.9f, 0.999f, 1e-8f, 0.1f, 1), slots));
        View tiny = x.Random(DType.Float32, 256);
        yield return new GpuWork("launch", 0, 0, () => device.ElementWise.Unary(UnaryOp.Relu, tiny, tiny));
    }
}
