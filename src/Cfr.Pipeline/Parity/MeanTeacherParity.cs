using System.Text.Json;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>cfr-mt-iterations</c>: iterations of Mean Teacher with pseudo labels on a pyramid V-Net without dropout, run by
/// <see cref="MeanTeacher"/> itself. Weights (the teacher's seed is the student's plus 1), images <c>xI</c> and noise
/// <c>noiseI</c> are generated, labels are stored. After each iteration the losses, and of every tensor of both networks sum
/// and sum of squares.
/// </summary>
static class MeanTeacherParity
{
    const double LossTolerance = 1e-5, TensorTolerance = 1e-4, NoiseScale = 0.3;

    const float NoiseLimit = 0.2f;

    const string LossTable = "losses_sup_pl_cons_weight_total.f64";

    static readonly string[] LossNames = ["supervised", "pseudo labels", "consistency", "weight", "total"];

    static readonly GridSize Size = new(32, 16, 16);

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        string[] tensors = JsonSerializer.Deserialize<string[]>(file.Text("keys"))!;
        int first = file.Integer("first_iter"), count = file.Shape(LossTable)[0];
        double[] losses = file.Values(LossTable);
        TrainingConfiguration settings = Settings(file);
        var method = new MeanTeacher(new MethodContext(run.Session, settings, Data(settings.Batch)));
        Weights student = method.Network.Weights, teacher = method.Teacher.Weights;
        Generator.Fill(student, file.Seed);
        Generator.Fill(teacher, file.Seed + 1);
        for (int i = 0; i < count; i++)
        {
            using Scope step = run.Session.Step();
            Tensor noise = Numbers(run, $"noise{i}", NoiseScale).Clamp(-NoiseLimit, NoiseLimit);
            run.Output($"noise{i}_first64", noise.ToArray().AsSpan(0, 64), tolerance: 0);
            method.Teacher.Noise = _ => noise;
            Losses found = method.Losses(
                Batch(run, i, settings.Batch / 2) with { Numbers = method.Numbers(first + i) });
            double[] got =
            [
                .. found.Parts.Select(part => (double)part.Value.Item()),
                settings.Consistency.Schedule.At(first + i), found.Total.Item(),
            ];
            for (int k = 0; k < got.Length; k++)
                run.Output($"iter{i}: {LossNames[k]}", [got[k]], [losses[i * got.Length + k]], LossTolerance);
            found.Total.Backward();
            ((IMethod)method).Step((float)settings.Sgd.LearningRate);
            ((IMethod)method).ClearGradients();
            method.AfterStep(first + i);
            Sums(run, $"iter{i}.student.param_sums.f64", student, tensors);
            Sums(run, $"iter{i}.teacher.param_sums.f64", teacher, tensors);
        }
        foreach (var (name, weights) in (((string, Weights)[])[("student", student), ("teacher", teacher)]))
            foreach (Weight weight in weights.All)
                run.Output($"final.{name}.{weight.Name}", weight.AsInFile(), TensorTolerance);
    }

    static TrainingConfiguration Settings(ReferenceFile file) => new()
    {
        Network = new(Architecture.PyramidVNet, file.Integer("n_filters"), Dropout: false),
        Method = MethodKind.MeanTeacher,
        Labelled = file.Shape("label0")[0] - file.Shape("pseudo0")[0],
        Iterations = 6000,
        Batch = file.Shape("label0")[0],
        Patch = Size,
        Loss = new(Smoothing: 1e-10f),
    };

    /// <summary>Cases that are never read: the batches come from the file.</summary>
    static DataSet Data(int cases) => new()
    {
        Name = "reference",
        ListPath = "reference",
        Classes = ["background", "object"],
        Train = [.. Enumerable.Range(0, cases).Select(i => new Case($"{i}", $"{i}", $"{i}"))],
    };

    static TwoStreamBatch Batch(ParityRun run, int iteration, int labelled)
    {
        Tensor images = Numbers(run, $"x{iteration}", Generator.UnitVariance);
        run.Output($"x{iteration}_first64", images.ToArray().AsSpan(0, 64), tolerance: 0);
        return new TwoStreamBatch(
            images, run.File.Labels(run.Session, $"label{iteration}"), labelled,
            run.File.Labels(run.Session, $"pseudo{iteration}"));
    }

    static Tensor Numbers(ParityRun run, string name, double scale)
    {
        Shape shape = [.. run.File.Shape($"label{name[^1]}"), 1];
        return run.Session.Tensor(Generator.Signed(name, run.File.Seed, shape.Count, scale), shape);
    }

    static void Sums(ParityRun run, string name, Weights weights, string[] tensors)
    {
        double[] want = run.File.Values(name);
        Dictionary<string, Weight> byName = weights.All.ToDictionary(weight => weight.Name);
        double worst = 0;
        for (int i = 0; i < tensors.Length; i++)
        {
            float[] values = byName[tensors[i]].AsInFile();
            double sum = values.Sum(value => (double)value), squares = values.Sum(value => (double)value * value);
            // The sum is measured by the sum of magnitudes: it may all but cancel.
            double magnitude = values.Sum(value => Math.Abs((double)value));
            worst = Math.Max(worst, Math.Abs(sum - want[2 * i]) / magnitude);
            worst = Math.Max(worst, Math.Abs(squares - want[2 * i + 1]) / want[2 * i + 1]);
        }
        run.Add(new ParityCheck(name, ParityPart.Output, worst, TensorTolerance));
    }
}
