using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Convolutions as products of patches, in the emulator.</summary>
public class PatchProductTests
{
    static readonly EmulatedDevice Device = new();

    static readonly Extent Unit = new(1, 1, 1);

    static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["a voxel"] = new(2, new Extent(2, 3, 4), 5, new Extent(2, 3, 4), 7, Unit, Unit, default),
        ["as large as its stride"] = new(
            2, new Extent(4, 6, 4), 8, new Extent(2, 3, 2), 12, new Extent(2, 2, 2), new Extent(2, 2, 2), default),
        ["voxels that no patch has"] = new(
            1, new Extent(5, 7, 5), 3, new Extent(2, 3, 2), 4, new Extent(2, 2, 2), new Extent(2, 2, 2), default),
        ["patches that overlap"] = new(
            2, new Extent(5, 6, 7), 4, new Extent(3, 3, 4), 3, new Extent(3, 3, 3), new Extent(2, 2, 2),
            new Extent(1, 1, 1)),
        ["gaps between patches"] = new(
            1, new Extent(7, 8, 9), 2, new Extent(3, 3, 4), 3, new Extent(2, 2, 2), new Extent(3, 3, 3),
            new Extent(1, 1, 1)),
        ["a different kernel along each axis"] = new(
            2, new Extent(1, 6, 7), 4, new Extent(1, 5, 9), 6, new Extent(1, 4, 5), new Extent(1, 1, 1),
            new Extent(0, 1, 3)),
    };

    public static TheoryData<string, Activation> Cases =>
    [
        .. from name in Shapes.Keys
           from activation in new[] { Activation.None, Activation.Relu, Activation.Gelu }
           select new TheoryDataRow<string, Activation>(name, activation),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Either_pass_matches_double_precision(string name, Activation activation)
    {
        ConvolutionShape shape = Shapes[name];
        long inputs = shape.Batch * shape.Input.Voxels * shape.InChannels;
        long outputs = shape.Batch * shape.Output.Voxels * shape.OutChannels;
        float[] x = Numbers.Draw(inputs, 1), dy = Numbers.Draw(outputs, 3);
        float[] w = Numbers.Draw(shape.Kernel.Voxels * shape.InChannels * shape.OutChannels, 2);
        float[] outBias = Numbers.Draw(shape.OutChannels, 4), inBias = Numbers.Draw(shape.InChannels, 5);
        double[] wantY = new double[outputs], wantDx = new double[inputs];
        ConvolutionNaive.Forward<double>(shape, x.Doubles(), w.Doubles(), outBias.Doubles(), wantY);
        ConvolutionNaive.InputGradient<double>(shape, dy.Doubles(), w.Doubles(), inBias.Doubles(), wantDx);

        using var operands = new Operands(Device);
        Device.Pool.Lending = (address, bytes) => Device.FillBytes(address, bytes, 0xff);
        var convolution = (GpuConvolution)Device.Convolution;
        View weights = operands.Of(w), y = operands.Output(outputs), dx = operands.Output(inputs);
        convolution.Forward(
            ConvolutionWay.Product, shape, operands.Of(x), weights, operands.Of(outBias), y, activation);
        convolution.InputGradient(
            ConvolutionWay.Product, shape, operands.Of(dy), weights, operands.Of(inBias), dx, activation);
        Numbers.AssertClose([.. wantY.Select(Activated)], operands.Floats(y), 1e-6, 1e-5);
        Numbers.AssertClose([.. wantDx.Select(Activated)], operands.Floats(dx), 1e-6, 1e-5);

        double Activated(double value) => ActivationNaive.Apply(activation, value);
    }
}
