using System.Text.Json;
using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>ops3d</c>: single ops, forward and backward. <c>OP.x</c>, <c>.w</c>, <c>.b</c>, <c>.y</c> are inputs,
/// <c>.gout</c> the upstream gradient, <c>.out</c>, <c>.dx</c>, <c>.dw</c>, <c>.db</c>, <c>.dy</c> what is compared; batch
/// norm has its running statistics before and after. An op is named by how its name begins; attributes stand in the metadata.
/// </summary>
static class OpsParity
{
    const double Tolerance = 1e-5;

    public static void Run(ParityRun run)
    {
        JsonElement attributes = Attributes(run.File);
        foreach (string op in run.File.Names.Where(name => name.EndsWith(".out")).Select(name => name[..^4]))
        {
            using Scope step = run.Session.Step();
            new OpReference(run, op, attributes.TryGetProperty(op, out JsonElement own) ? own : default).Check();
        }
    }

    static JsonElement Attributes(ReferenceFile file)
    {
        try
        {
            return JsonDocument.Parse(file.Says("attrs") ? file.Text("attrs") : "{}").RootElement;
        }
        catch (JsonException error)
        {
            throw file.Bad($"its metadata's 'attrs' is not JSON: {error.Message}");
        }
    }

    sealed class OpReference(ParityRun run, string op, JsonElement attributes)
    {
        public void Check()
        {
            bool isConvolution = op.StartsWith("conv");
            ReferenceLayout kernel = isConvolution ? ReferenceLayout.Kernel : ReferenceLayout.Same;
            Tensor x = Input("x", Layout("x")) ?? throw run.File.Bad($"'{op}' has no input '{op}.x'");
            Tensor? w = Input("w", kernel), b = Input("b"), second = Input("y", Layout("x"));
            Tensor? mean = Load("running_mean_before"), variance = Load("running_var_before");

            Tensor y = Compute(x, w, b, second, mean, variance);
            run.Output($"{op}.out", y, Tolerance, Layout("out"));
            if (mean is not null) run.Output($"{op}.running_mean_after", mean, Tolerance);
            if (variance is not null) run.Output($"{op}.running_var_after", variance, Tolerance);
            if (!run.WithGradients || Load("gout", Layout("gout")) is not { } upstream) return;
            y.Backward(upstream);
            run.Gradient($"{op}.dx", x.Grad, Tolerance, Layout("x"));
            run.Gradient($"{op}.dw", w?.Grad, Tolerance, kernel);
            run.Gradient($"{op}.db", b?.Grad, Tolerance);
            run.Gradient($"{op}.dy", second?.Grad, Tolerance, Layout("x"));
        }

        Tensor Compute(Tensor x, Tensor? w, Tensor? b, Tensor? second, Tensor? mean, Tensor? variance)
        {
            int stride = Number("stride", 1), padding = Number("padding", 0);
            int[] size = [.. run.File.Shape($"{op}.out").Skip(2)];
            return op switch
            {
                _ when Is("conv3d") => x.Conv3d(Given(w, "w"), b, stride, padding),
                _ when Is("convtranspose3d") => x.ConvTranspose3d(Given(w, "w"), b, stride, padding),
                _ when Is("batchnorm") && op.EndsWith("eval") => x.BatchNormEvaluation(
                    w, b, Given(mean, "running_mean_before"), Given(variance, "running_var_before")),
                _ when Is("batchnorm") => x.BatchNormTraining(w, b, mean, variance),
                _ when Is("instancenorm3d") => x.InstanceNorm(),
                _ when Is("groupnorm") => x.GroupNorm(Number("groups", 1), w, b),
                _ when Is("maxpool3d") => x.MaxPool3d(Cube(Number("kernel", 2)), Cube(Number("stride", Number("kernel", 2)))),
                _ when Is("upsample_trilinear") => x.Resize(size, alignCorners: Truth("align_corners")),
                _ when Is("upsample_nearest") => x.Resize(size, Interpolation.Nearest),
                _ when Is("linear") => x.Linear(Given(w, "w"), b),
                _ when Is("leaky_relu") => x.LeakyRelu(float.Parse(op[(op.LastIndexOf('_') + 1)..])),
                _ when Is("relu") => x.Relu(),
                _ when Is("softmax_c") => x.Softmax(),
                _ when Is("log_softmax_c") => x.LogSoftmax(),
                _ when Is("tanh") => x.Tanh(),
                _ when Is("sigmoid") => x.Sigmoid(),
                _ when Is("normalize_l2_dim1") => x / Length(x),
                _ when Is("cosine_similarity_dim1") => Cosine(x, Given(second, "y")),
                _ => throw run.File.Bad($"has an op '{op}' that is not known"),
            };
        }

        Tensor Cosine(Tensor x, Tensor y) =>
            (SumOfChannels(x * y) / (Length(x) * Length(y))).Reshape(run.File.Shape($"{op}.out"));

        static Tensor Length(Tensor t) => SumOfChannels(t.Square()).Sqrt();

        static Tensor SumOfChannels(Tensor t) => t.Sum(^1).Reshape(t.Shape.With(^1, 1));

        static Extent Cube(int size) => new(size, size, size);

        bool Is(string name) => op.StartsWith(name);

        Tensor? Load(string part, ReferenceLayout layout = ReferenceLayout.Same) =>
            run.File.Has($"{op}.{part}") ? run.File.Tensor(run.Session, $"{op}.{part}", layout) : null;

        Tensor? Input(string part, ReferenceLayout layout = ReferenceLayout.Same) => Load(part, layout) is { } tensor
            ? run.WithGradients ? tensor.WithGrad() : tensor
            : null;

        Tensor Given(Tensor? tensor, string part) => tensor ?? throw run.File.Bad($"'{op}' has no '{op}.{part}'");

        ReferenceLayout Layout(string part) =>
            run.File.Has($"{op}.{part}") && run.File.Shape($"{op}.{part}").Rank == 5
                ? ReferenceLayout.ChannelsLast : ReferenceLayout.Same;

        int Number(string name, int otherwise) =>
            attributes.ValueKind == JsonValueKind.Object && attributes.TryGetProperty(name, out JsonElement value)
                && value.TryGetInt32(out int number) ? number : otherwise;

        bool Truth(string name) => attributes.ValueKind == JsonValueKind.Object
            && attributes.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;
    }
}
