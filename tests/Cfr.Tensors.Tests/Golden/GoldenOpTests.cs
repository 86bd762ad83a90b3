using System.Text.Json;
using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Ops against PyTorch, forward and backward: tests/Golden/ssl/ops3d.</summary>
public sealed class GoldenOpTests : IDisposable
{
    const double Tolerance = 1e-5;

    readonly Device _device = Device.Open("cpu");
    readonly GoldenFile _file = new("ssl/ops3d.safetensors");
    readonly Session _session;

    public GoldenOpTests() => _session = new Session(_device);

    public void Dispose()
    {
        _file.Dispose();
        _device.Dispose();
    }

    public static TheoryData<string> Ops
    {
        get
        {
            using var file = new GoldenFile("ssl/ops3d.safetensors");
            return [.. file.Names.Select(name => name[..name.LastIndexOf('.')]).Distinct()];
        }
    }

    [Theory, MemberData(nameof(Ops))]
    public void Results_and_gradients_are_those_of_PyTorch(string op)
    {
        GoldenLayout kernel = op.StartsWith("conv") ? GoldenLayout.Kernel : GoldenLayout.Same;
        Tensor x = Input("x", Layout($"{op}.x"))!;
        Tensor? w = Input("w", kernel), b = Input("b"), second = Input("y", Layout($"{op}.x"));
        Tensor? mean = Load("running_mean_before"), variance = Load("running_var_before");

        Tensor y = Run(op, x, w, b, second, mean, variance);
        y.Backward(Load("gout", Layout($"{op}.gout"))!);

        _file.AssertEqual($"{op}.out", y, Tolerance, Layout($"{op}.out"));
        _file.AssertEqual($"{op}.dx", x.Grad, Tolerance, Layout($"{op}.x"));
        if (w is not null) _file.AssertEqual($"{op}.dw", w.Grad, Tolerance, kernel);
        if (b is not null) _file.AssertEqual($"{op}.db", b.Grad, Tolerance);
        if (second is not null) _file.AssertEqual($"{op}.dy", second.Grad, Tolerance, Layout($"{op}.x"));
        if (mean is null) return;
        _file.AssertEqual($"{op}.running_mean_after", mean, Tolerance);
        _file.AssertEqual($"{op}.running_var_after", variance, Tolerance);

        Tensor? Load(string part, GoldenLayout layout = GoldenLayout.Same) =>
            _file.Has($"{op}.{part}") ? _file.Tensor(_session, $"{op}.{part}", layout) : null;

        Tensor? Input(string part, GoldenLayout layout = GoldenLayout.Same) => Load(part, layout)?.WithGrad();

        GoldenLayout Layout(string name) => _file.Shape(name).Rank == 5 ? GoldenLayout.ChannelsLast : GoldenLayout.Same;
    }

    Tensor Run(string op, Tensor x, Tensor? w, Tensor? b, Tensor? second, Tensor? mean, Tensor? variance)
    {
        int stride = Attribute(op, "stride", 1), padding = Attribute(op, "padding", 0);
        int[] size = [.. _file.Shape($"{op}.out").Skip(2)];
        return op switch
        {
            _ when op.StartsWith("conv3d") => x.Conv3d(w!, b, stride, padding),
            _ when op.StartsWith("convtranspose3d") => x.ConvTranspose3d(w!, b, stride, padding),
            "batchnorm3d_eval" => x.BatchNormEvaluation(w, b, mean!, variance!),
            _ when op.StartsWith("batchnorm") => x.BatchNormTraining(w, b, mean, variance),
            "instancenorm3d" => x.InstanceNorm(),
            "groupnorm_g2_c6" => x.GroupNorm(2, w, b),
            "maxpool3d_k2s2" => x.MaxPool3d(new Extent(2, 2, 2)),
            "maxpool3d_k3s2" => x.MaxPool3d(new Extent(3, 3, 3), new Extent(2, 2, 2)),
            "upsample_trilinear_x2_ac1" => x.Resize(size, alignCorners: true),
            _ when op.StartsWith("upsample_trilinear") => x.Resize(size),
            _ when op.StartsWith("upsample_nearest") => x.Resize(size, Interpolation.Nearest),
            "linear" => x.Linear(w!, b),
            "relu" => x.Relu(),
            "leaky_relu_0.2" => x.LeakyRelu(0.2f),
            "softmax_c" => x.Softmax(),
            "log_softmax_c" => x.LogSoftmax(),
            "tanh" => x.Tanh(),
            "sigmoid" => x.Sigmoid(),
            "normalize_l2_dim1" => x / Length(x),
            "cosine_similarity_dim1" => (SumOfChannels(x * second!) / (Length(x) * Length(second!))).Reshape(_file.Shape($"{op}.out")),
            _ => throw new ArgumentException($"no op for golden '{op}'"),
        };

        static Tensor Length(Tensor t) => SumOfChannels(t.Square()).Sqrt();

        static Tensor SumOfChannels(Tensor t) => t.Sum(^1).Reshape(t.Shape.With(^1, 1));
    }

    int Attribute(string op, string name, int otherwise)
    {
        JsonElement all = JsonDocument.Parse(_file.Metadata["attrs"]).RootElement;
        return all.TryGetProperty(op, out JsonElement attributes) && attributes.TryGetProperty(name, out JsonElement value)
            ? value.GetInt32()
            : otherwise;
    }
}
