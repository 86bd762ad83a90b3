using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Doctor;

/// <summary>
/// Has a device compute a few small ops, forward and backward, and compares with what they give in double precision
/// (<c>golden.json</c>, by <c>scripts/doctor-golden.py</c>).
/// </summary>
static class SelfTest
{
    /// <summary>Relative to the largest element: float32 sums of at most some hundred terms are off by less.</summary>
    internal const double Tolerance = 2e-5;

    const string Resource = "doctor/golden.json";
    const int UpstreamSalt = 99;

    static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    static readonly (string Name, Shape[] Inputs, Func<Tensor[], Tensor> Run)[] Ops =
    [
        ("matmul", [[5, 7], [7, 6]], x => x[0].Matmul(x[1])),
        ("conv3d", [[1, 4, 3, 5, 2], [3, 3, 3, 2, 3], [3]], x => x[0].Conv3d(x[1], x[2], padding: 1)),
        ("attention", [[1, 5, 8], [1, 6, 8], [1, 6, 8]], x => x[0].Attention(x[1], x[2], heads: 2)),
        ("batch norm", [[2, 3, 2, 2, 3], [3], [3]], x => x[0].BatchNormTraining(x[1], x[2])),
        ("segmentation loss", [[12, 3]], x => x[0].SegmentationLoss(
            x[0].Session.Labels([.. Enumerable.Range(0, 12).Select(i => i * 5 % 7 % 3)], [12])).Total),
    ];

    /// <summary>A finding for each op, or one if the device does not open.</summary>
    /// <param name="name">The device's.</param>
    /// <param name="open">Opens it.</param>
    /// <param name="precision">What it computes in.</param>
    /// <param name="beside">What it is compared with on large work; null if that is not wanted.</param>
    public static IEnumerable<Finding> Run(
        string name, Func<Device> open, Precision precision = Precision.Float32, Device? beside = null)
    {
        try
        {
            using Device device = open();
            return
            [
                .. Ops.Select(op => Finding(
                    name, op.Name, precision,
                    () => Error(new Session(device), Golden.Value[op.Name], op.Inputs, op.Run))),
                .. beside is null ? [] : LargeWorkTest.Run(name, device, beside, precision),
            ];
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return [new(name, Health.Failed, error.Message)];
        }
    }

    /// <summary>
    /// Two factors are off by 2^-11 (TF32) or 2^-8 (bfloat16) of themselves each, twice that for the worst of many.
    /// </summary>
    static double ToleranceOf(Precision precision) => precision switch
    {
        Precision.TF32 => Tolerance + 4.0 / (1 << 11),
        Precision.BFloat16 => Tolerance + 4.0 / (1 << 8),
        _ => Tolerance,
    };

    /// <summary>Whether an op's error is within what a precision may be off by.</summary>
    internal static Finding Finding(string device, string op, Precision precision, Func<double> errorOf)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            double error = errorOf(), allowed = ToleranceOf(precision);
            string text = string.Create(
                CultureInfo.InvariantCulture, $"relative error {error:0.0e-00}, allowed {allowed:0e-00}");
            return new(
                $"{device} {op}", error <= allowed ? Health.Fine : Health.Failed, text, clock.Elapsed.TotalSeconds);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new($"{device} {op}", Health.Failed, error.Message, clock.Elapsed.TotalSeconds);
        }
    }

    /// <summary>The largest relative error of the result and of the gradient of each input.</summary>
    static double Error(Session session, GoldenOp golden, Shape[] shapes, Func<Tensor[], Tensor> run)
    {
        float[][] got = Results(session, shapes, run, Values);
        return got.Zip([golden.Result, .. golden.Gradients], Difference).Max();
    }

    /// <summary>The result and the gradient of each input, of numbers that their count and a salt name.</summary>
    internal static float[][] Results(
        Session session, Shape[] shapes, Func<Tensor[], Tensor> run, Func<long, int, float[]> numbers)
    {
        using Scope scope = session.Step();
        Tensor[] inputs = [.. shapes.Select((shape, salt) => session.Tensor(numbers(shape.Count, salt), shape).WithGrad())];
        Tensor result = run(inputs);
        if (result.Rank == 0) result.Backward();
        else result.Backward(session.Tensor(numbers(result.Count, UpstreamSalt), result.Shape));
        return [result.ToArray(), .. inputs.Select(input => input.Grad!.ToArray())];
    }

    /// <summary>The largest error by the largest element; infinite for NaN, or another number of elements.</summary>
    internal static double Difference(float[] got, double[] want)
    {
        if (got.Length != want.Length || got.Any(float.IsNaN)) return double.PositiveInfinity;
        return got.Zip(want, (a, b) => Math.Abs(a - b)).Max() / want.Max(Math.Abs);
    }

    /// <summary>Multiples of 1/8192 in (-1, 1), which float32 holds exactly, and shorter formats do not.</summary>
    static float[] Values(long count, int salt) =>
        [.. Enumerable.Range(0, (int)count).Select(i => ((i * 3571 + salt * 1237) % 8192 - 4095.5f) / 4096)];

    static readonly Lazy<Dictionary<string, GoldenOp>> Golden = new(() =>
    {
        using Stream stream = typeof(SelfTest).Assembly.GetManifestResourceStream(Resource)!;
        return JsonSerializer.Deserialize<Dictionary<string, GoldenOp>>(stream, Options)!;
    });

    sealed record GoldenOp(double[] Result, double[][] Gradients);
}
