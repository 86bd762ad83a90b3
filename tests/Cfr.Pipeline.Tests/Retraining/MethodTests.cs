using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Tests.Training;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Retraining;

/// <summary>What each method minimises, and that it learns.</summary>
public sealed class MethodTests : IDisposable
{
    readonly SmallTask _task = new();
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public MethodTests() => _session = new Session(_device, seed: 5);

    public void Dispose()
    {
        _device.Dispose();
        _task.Dispose();
    }

    [Theory]
    [InlineData(MethodKind.MeanTeacher, AmbiguityKind.Entropy)]
    [InlineData(MethodKind.Acmt, AmbiguityKind.Entropy)]
    [InlineData(MethodKind.Acmt, AmbiguityKind.Uncertainty)]
    [InlineData(MethodKind.SelfTraining, AmbiguityKind.Entropy)]
    public void It_learns_from_two_labels(MethodKind method, AmbiguityKind mask)
    {
        var scores = new List<ValidationScores>();
        TrainingConfiguration settings = _task.SemiSupervised(method) with
        {
            Network = new(Architecture.VNet, Filters: 4),
            Acmt = new(mask, Passes: 2),
            SelfTraining = new(Rounds: 1, Stride: new(8, 4, 2)),
            Iterations = 60,
            Schedule = new(ScheduleKind.Constant),
            Validation = new(60, new(4, 4, 2), ValidationCases.Test),
        };
        Assert.True(_task.Train("run", new Scores(scores), configuration: settings));
        Assert.InRange(scores[^1].Dice, 0.8, 1);
    }

    [Fact]
    public void The_teacher_is_the_moving_average_of_the_student_and_keeps_its_own_statistics()
    {
        var method = new MeanTeacher(Context(MethodKind.MeanTeacher));
        Weight[] student = [.. method.Network.Weights.All], teacher = [.. method.Teacher.Weights.All];
        Assert.NotEqual(student[0].Tensor.ToArray(), teacher[0].Tensor.ToArray());
        float[] statistics = teacher.First(weight => weight.Name.EndsWith("running_var")).Tensor.ToArray();
        foreach (Weight weight in student.Where(weight => !weight.IsParameter)) weight.Tensor.Set([.. weight.Tensor.ToArray().Select(x => x + 7)]);
        method.AfterStep(0);
        foreach (var (of, average) in student.Zip(teacher).Where(pair => pair.First.IsParameter))
            Assert.Equal(of.Tensor.ToArray(), average.Tensor.ToArray());
        foreach (var (iteration, decay) in (((long, double)[])[(3, 0.75), (1000, 0.99)]))
        {
            float[] before = teacher[0].Tensor.ToArray(), moved = [.. student[0].Tensor.ToArray().Select((x, i) => x + i)];
            student[0].Tensor.Set(moved);
            method.AfterStep(iteration);
            float[] after = teacher[0].Tensor.ToArray();
            for (int i = 0; i < after.Length; i++)
                Assert.Equal(decay * before[i] + (1 - decay) * moved[i], after[i], 1e-6 * Math.Max(1, Math.Abs(moved[i])));
        }
        Assert.Equal(statistics, teacher.First(weight => weight.Name.EndsWith("running_var")).Tensor.ToArray());
    }

    [Theory, InlineData(1), InlineData(0.25)]
    public void The_pseudo_label_loss_is_the_supervised_formula_on_the_unlabelled_half_outside_the_ramp(double weight)
    {
        TrainingConfiguration settings = _task.SemiSupervised(MethodKind.MeanTeacher) with
        {
            Network = new(Architecture.VNet, Filters: 1, Dropout: false),
            Loss = new(Smoothing: 1e-10f),
            PseudoLabels = new(PseudoLabelSource.Folder, null, weight),
        };
        var method = new MeanTeacher(new MethodContext(_session, settings, _task.Data));
        Tensor images = _session.Normal([4, 16, 16, 16, 1]);
        Tensor labels = Labels(1, unlabelled: 255), pseudoLabels = Labels(3, unlabelled: 0).Slice(0, 2, 2);
        Losses losses = method.Losses(new TwoStreamBatch(images, labels, 2, pseudoLabels, method.Numbers(0)));
        Tensor logits = method.Network.Logits(images);
        double want = logits.Slice(0, 2, 2).SegmentationLoss(pseudoLabels, smoothing: 1e-10f).Total.Item();
        double supervised = logits.Slice(0, 0, 2).SegmentationLoss(labels.Slice(0, 0, 2), smoothing: 1e-10f).Total.Item();
        Dictionary<string, double> parts = losses.Parts.ToDictionary(part => part.Name, part => (double)part.Value.Item());
        Assert.Equal(want, parts["pseudoLabels"], 1e-6);
        Assert.Equal(supervised, parts["supervised"], 1e-6);
        double ramp = 0.1 * Math.Exp(-5);
        Assert.Equal(supervised + weight * want + ramp * parts["consistency"], losses.Total.Item(), 1e-6);
    }

    [Theory, InlineData(ConsistencySamples.All, 4), InlineData(ConsistencySamples.Unlabelled, 2)]
    public void The_consistency_is_over_all_samples_or_the_unlabelled_ones(ConsistencySamples on, int samples)
    {
        var method = new MeanTeacher(Context(MethodKind.MeanTeacher) with
        {
            Configuration = _task.SemiSupervised(MethodKind.MeanTeacher) with { MeanTeacher = new(on) },
        });
        Shape seen = [];
        method.Teacher.Noise = shape => _session.Zeros(seen = shape);
        method.Losses(new TwoStreamBatch(_session.Normal([4, 16, 16, 16, 1]), Labels(1, unlabelled: 255), 2, null, method.Numbers(0)));
        Assert.Equal(samples, seen[0]);
    }

    [Fact]
    public void Noise_is_normal_and_bounded()
    {
        var method = new MeanTeacher(Context(MethodKind.MeanTeacher));
        float[] noise = method.Teacher.Noise([100_000]).ToArray();
        Assert.Equal((-0.2f, 0.2f), (noise.Min(), noise.Max()));
        Assert.Equal(0.9545, noise.Count(x => Math.Abs(x) < 0.2f) / 100_000.0, 0.005);
        Assert.Equal(0.6827, noise.Count(x => Math.Abs(x) < 0.1f) / 100_000.0, 0.01);
    }

    [Fact]
    public void Where_nothing_is_ambiguous_the_consistency_is_nothing()
    {
        Tensor sure = _session.Tensor([20, -20, -20, 20], [1, 1, 1, 2, 2]);
        var mask = new AmbiguityMask(new AcmtConfiguration(), iterations: 10);
        Tensor none = AmbiguityMask.Of(sure.Softmax(), _session.Full([], mask.Bound(0, classes: 2)));
        Assert.Equal([0, 0], none.ToArray());
        Assert.Equal(0, AmbiguityConsensus.Consistency(sure, _session.Full(sure.Shape, 0.5f), none, countsClasses: true).Item());
    }

    [Fact]
    public void A_network_labels_by_its_most_probable_class_with_its_own_statistics()
    {
        var network = new VolumeNetwork(new NetworkConfiguration(Architecture.VNet, 1, Classes: 3).Create(new Weights(_session)));
        var labels = new NetworkPseudoLabels(network, "it", classes: 3);
        float[][] before = [.. network.Weights.All.Select(weight => weight.Tensor.ToArray())];
        Tensor patches = _session.Normal([2, 16, 16, 16, 1]);
        int[] got = labels.Labels(patches, patches).ToIntArray();
        float[] logits = network.Logits(patches).ToArray();
        Assert.Equal([.. Enumerable.Range(0, got.Length).Select(i => Enumerable.Range(0, 3).MaxBy(c => logits[3 * i + c]))], got);
        Assert.Equal(before, network.Weights.All.Select(weight => weight.Tensor.ToArray()));
        Assert.Contains("tells 3 classes apart; expected 2",
            Assert.Throws<ArgumentException>(() => new NetworkPseudoLabels(network, "it", classes: 2)).Message);
    }

    MethodContext Context(MethodKind method) => new(_session, _task.SemiSupervised(method), _task.Data);

    Tensor Labels(int seed, int unlabelled)
    {
        var random = new Random(seed);
        return _session.Labels([.. Enumerable.Range(0, 4 * 4096).Select(i => i < 2 * 4096 || unlabelled == 0 ? random.Next(2) : unlabelled)], [4, 16, 16, 16]);
    }

    sealed class Scores(List<ValidationScores> scores) : ITrainingObserver
    {
        public void Validated(ValidationScores validated) => scores.Add(validated);
    }
}
