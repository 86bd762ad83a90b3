using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>
/// Matrix products and convolutions in TF32 and bfloat16 on the CUDA kernels, in the emulator: small cases of the list,
/// and one of each that is just large enough for tensor cores.
/// </summary>
public class EmulatedPrecisionTests
{
    const double MostFlop = 2e4;

    static readonly Dictionary<Precision, Device> Devices = new()
    {
        [Precision.TF32] = Device.Open("emulated", Precision.TF32),
        [Precision.BFloat16] = Device.Open("emulated", Precision.BFloat16),
    };

    /// <summary>
    /// 2.1 and 2.4 million products, above the work that float32 does in any precision; the image is one box.
    /// </summary>
    static readonly Dictionary<string, OpCase> Large = new()
    {
        ["product"] = Product(129, 130, 126),
        ["convolution"] = Convolution(height: 8, width: 32, channels: 32),
    };

    public static TheoryData<string, Precision> Cases =>
    [
        .. from one in OpCases.All
           where OpCheck.ComputesInPrecision(one) && !one.BenchmarkOnly && one.Flop <= MostFlop
           from precision in Devices.Keys
           select new TheoryDataRow<string, Precision>(one.ToString(), precision),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Small_products_match_the_naive_form_in_double_precision(string name, Precision precision) =>
        OpCheck.Forward(OpCases.Named(name), Devices[precision]);

    public static TheoryData<string, Precision> LargeCases =>
    [
        .. from name in Large.Keys
           from precision in Devices.Keys
           select new TheoryDataRow<string, Precision>(name, precision),
    ];

    [Theory, MemberData(nameof(LargeCases))]
    public void Results_on_tensor_cores_are_off_by_the_rounding_of_their_factors(string name, Precision precision)
    {
        OpCheck.Forward(Large[name], Devices[precision]);
        // Were it computed in float32, it would keep to the bound of float32 too.
        Assert.Throws<CheckException>(
            () => OpCheck.Forward(Large[name] with { Slack = 1e-2 }, Devices[precision]));
    }

    [Theory, MemberData(nameof(LargeCases))]
    public void Gradients_on_tensor_cores_match_finite_differences(string name, Precision precision) =>
        OpCheck.Gradients(Large[name], Devices[precision]);

    public static TheoryData<string, Precision> Attentions =>
    [
        .. from one in OpCases.All
           where one.Family == "attention" && !one.BenchmarkOnly && one.Flop is >= 1e3 and <= MostFlop
           from precision in Devices.Keys
           select new TheoryDataRow<string, Precision>(one.ToString(), precision),
    ];

    [Theory, MemberData(nameof(Attentions))]
    public void Gradients_of_attention_match_finite_differences(string name, Precision precision) =>
        OpCheck.Gradients(OpCases.Named(name), Devices[precision]);

    static OpCase Product(int m, int k, int n) => new(
        "matmul", $"{m}x{k} x {k}x{n}", [new Input("a", [m, k]), new Input("b", [k, n])], x => x[0].Matmul(x[1]),
        x =>
        {
            double[] c = new double[m * n];
            MatmulNaive.Multiply<double>(
                Matrix.Dense(default, m, k), x[0], Matrix.Dense(default, k, n), x[1], Matrix.Dense(default, m, n), c, 1,
                [], Activation.None, [], [], false);
            return c;
        },
        Terms: Math.Max(k, Math.Max(m, n)));

    static OpCase Convolution(int height, int width, int channels)
    {
        var size = new Extent(1, height, width);
        var shape = new ConvolutionShape(
            1, size, channels, size, channels, new Extent(1, 3, 3), new Extent(1, 1, 1), new Extent(0, 1, 1));
        return new(
            "conv2d", shape.ToString(),
            [new Input("x", [1, height, width, channels]), new Input("weight", [3, 3, channels, channels])],
            t => t[0].Conv2d(t[1], padding: 1),
            t =>
            {
                double[] y = new double[size.Voxels * channels];
                ConvolutionNaive.Forward<double>(shape, t[0], t[1], [], y);
                return y;
            },
            Terms: 9 * channels);
    }
}
