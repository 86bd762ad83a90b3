using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.TestKit;
using Cfr.TestKit.Ptx;

namespace Cfr.Tensors.Tests;

/// <summary>
/// The PTX of the CUDA kernels, interpreted: small cases of the list on the ways of large work, and the layers of a
/// network whose norms are parts of its convolutions.
/// </summary>
public class InterpretedOpTests
{
    const double MostFlop = 2e3;

    static readonly Dictionary<Precision, PtxDevice> Devices = Enum.GetValues<Precision>()
        .ToDictionary(precision => precision, precision => new PtxDevice(precision) { SmallWork = 0 });

    /// <summary>All in bfloat16, and what depends on the precision in the others.</summary>
    public static TheoryData<string, Precision> Cases =>
    [
        .. from one in OpCases.All
           where !one.BenchmarkOnly && one.Flop <= MostFlop
           from precision in Devices.Keys
           where precision == Precision.BFloat16 || OpCheck.ComputesInPrecision(one)
           select new TheoryDataRow<string, Precision>(one.ToString(), precision),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Results_and_gradients_match_double_precision(string name, Precision precision)
    {
        OpCheck.Forward(OpCases.Named(name), Devices[precision]);
        OpCheck.Gradients(OpCases.Named(name), Devices[precision]);
    }

    [Theory, InlineData(false, 2), InlineData(true, 5)]
    public void Layers_with_norms_match_the_processor(bool eachSample, int classes)
    {
        using var cpu = new CpuDevice(1);
        float[][] want = Run(cpu), got = Run(Devices[Precision.Float32]);
        for (int i = 0; i < want.Length; i++)
        {
            float largest = want[i].Max(Math.Abs);
            Assert.InRange(want[i].Zip(got[i], (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * largest);
        }

        // First layer, way down, way up, skip, convolution, dropped channels, head.
        float[][] Run(Device device)
        {
            var session = new Session(device, seed: 5);
            using Scope scope = session.Step();
            Tensor x = session.Uniform([2, 4, 4, 8, 1], -1, 2);
            Tensor first = Drawn([3, 3, 3, 1, 8]), down = Drawn([2, 2, 2, 8, 12]), up = Drawn([2, 2, 2, 8, 12]);
            Tensor next = Drawn([3, 3, 3, 8, 16]), head = Drawn([1, 1, 1, 16, classes]), bias = Drawn([classes]);
            Measure measure = eachSample ? Measure.Samples : Measure.Batch;
            List<Tensor> parameters = [first, down, up, next, head, bias];
            Tensor one = Norm(x.Conv3d(first, padding: 1, measure: measure));
            Tensor two = Norm(one.Conv3d(down, stride: 2, measure: measure));
            Tensor sum = Norm(two.ConvTranspose3d(up, stride: 2, measure: measure)) + one;
            Tensor last = Norm(sum.Conv3d(next, padding: 1, measure: measure)).ChannelDropout(0.5f);
            Tensor y = last.Conv3d(head, bias);
            y.Backward(session.Uniform(y.Shape, -1, 1));
            return [y.ToArray(), .. parameters.Select(parameter => parameter.Grad!.ToArray())];

            Tensor Drawn(Shape shape) => session.Uniform(shape, -0.5f, 0.5f).WithGrad();

            Tensor Norm(Tensor of)
            {
                Tensor weight = session.Uniform([of.Size(^1)], 0.5f, 2).WithGrad();
                Tensor shift = session.Uniform([of.Size(^1)], -0.5f, 1).WithGrad();
                parameters.AddRange([weight, shift]);
                return eachSample
                    ? of.InstanceNorm(weight, shift, activation: Activation.Relu)
                    : of.BatchNormTraining(weight, shift, activation: Activation.Relu);
            }
        }
    }
}
