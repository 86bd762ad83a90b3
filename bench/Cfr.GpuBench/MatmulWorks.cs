using Cfr.Kernels;

namespace Cfr.GpuBench;

/// <summary>Matrix products, and a linear layer with its epilogue.</summary>
static class MatmulWorks
{
    public static IEnumerable<GpuWork> All =>
    [
        Product(Precision.Float32, DType.Float32, (4096, 4096, 4096)),
        .. Shapes.Select(shape => Product(Precision.TF32, DType.Float32, shape)),
        .. Shapes.Select(shape => Product(Precision.BFloat16, DType.BFloat16, shape)),
        Product(Precision.BFloat16, DType.Float32, (4096, 4096, 4096)),
        Product(Precision.BFloat16, DType.Float32, (4096, 768, 3072)),
        Linear(16384, 768, 3072),
    ];

    /// <summary>(M, K, N): square ones, and ViT-B's linear layers for one and four images; two of LoRA's.</summary>
    static readonly (int M, int K, int N)[] Shapes =
    [
        (2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192),
        (4096, 768, 768), (4096, 768, 2304), (4096, 768, 3072), (4096, 3072, 768),
        (16384, 768, 768), (16384, 768, 2304), (16384, 768, 3072), (16384, 3072, 768),
        (4096, 768, 4), (4096, 4, 768),
    ];

    static GpuWork Product(Precision precision, DType type, (int M, int K, int N) shape)
    {
        var (m, k, n) = shape;
        string from = precision == Precision.BFloat16 && type == DType.Float32 ? " from fp32" : "";
        double bytes = ((double)m * k + (double)n * k + (double)m * n) * type.Bytes();
        return new GpuWork($"matmul {m}x{k}x{n} {precision.Name()}{from}", precision, 2.0 * m * n * k, bytes, x =>
        {
            // B is stored [N, K], as a linear layer's weights are.
            Matrix a = Matrix.Dense(x.Random(type, (long)m * k), m, k);
            Matrix b = Matrix.Dense(x.Random(type, (long)n * k), n, k).T;
            Matrix c = Matrix.Dense(x.Empty(type, (long)m * n), m, n);
            return () => x.Device.Matmul.Multiply(a, b, c);
        });
    }

    static GpuWork Linear(int rows, int inputs, int outputs) => new(
        $"linear+bias+gelu {rows}x{inputs}x{outputs} bf16", Precision.BFloat16, 2.0 * rows * inputs * outputs,
        2.0 * ((double)rows * inputs + (double)inputs * outputs + (double)rows * outputs),
        x =>
        {
            Matrix a = Matrix.Dense(x.Random(DType.BFloat16, (long)rows * inputs), rows, inputs);
            Matrix b = Matrix.Dense(x.Random(DType.BFloat16, (long)outputs * inputs), outputs, inputs).T;
            Matrix c = Matrix.Dense(x.Empty(DType.BFloat16, (long)rows * outputs), rows, outputs);
            View bias = x.Random(DType.Float32, outputs);
            return () => x.Device.Matmul.Multiply(a, b, c, epilogue: new Epilogue(bias, Activation.Gelu));
        });
}
