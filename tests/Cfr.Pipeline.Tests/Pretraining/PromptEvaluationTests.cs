using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Pretraining;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Pretraining;

/// <summary>What the small SAM has learnt, and what scores mean.</summary>
public class PromptEvaluationTests
{
    const double LeastOfBoxes = 0.3, LeastOfPoints = 0.2;

    [Fact]
    public void The_small_sam_has_learnt_to_find_what_prompts_point_at()
    {
        using var device = new CpuDevice(2);
        var session = new Session(device, seed: 4);
        Sam small = SamFile.Load(session, SmallSam.Name), random = new(new Weights(session), small.Configuration);
        PromptScores learnt = Score(small), unlearnt = Score(random);
        string scores = $"{learnt}, random weights: {unlearnt}";
        Assert.True(learnt.Box > LeastOfBoxes && learnt.PointBest > LeastOfPoints, scores);
        Assert.True(learnt.Box > 3 * unlearnt.Box && learnt.PointBest > 2 * unlearnt.PointBest, scores);

        static PromptScores Score(Sam sam) => PromptEvaluation.Run(
            sam, PromptEvaluation.HeldOutSeed(PretrainingConfiguration.UsualSeed), drawings: 15,
            stop: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void The_small_sam_is_small() => Assert.InRange(new FileInfo(SmallSam.File).Length, 1, 10_000_000);

    [Fact]
    public void Training_and_test_have_no_drawing_in_common()
    {
        ulong seed = PretrainingConfiguration.UsualSeed;
        float[] First(ulong of, ulong number) => Drawing.Draw(of, number, 48).Pixels[..16];
        float[][] trained = [.. Enumerable.Range(0, 50).Select(i => First(seed, (ulong)i))];
        for (ulong i = 0; i < 10; i++)
        {
            float[] held = First(PromptEvaluation.HeldOutSeed(seed), i);
            Assert.DoesNotContain(trained, each => each.AsSpan().SequenceEqual(held));
        }
    }

    [Fact]
    public void Baselines_find_a_bright_square()
    {
        Drawing drawing = Square(out bool[] truth);
        float[] box = [18, 18, 41, 41], point = [30, 25];
        Assert.Equal(20.0 * 20 / (24 * 24), PromptEvaluation.Overlap(Baselines.FilledBox(drawing.Size, box), truth), 1e-9);
        Assert.Equal(1, PromptEvaluation.Overlap(Baselines.Threshold(drawing, box), truth));
        Assert.Equal(1, PromptEvaluation.Overlap(Baselines.Flood(drawing, point), truth));
    }

    [Fact]
    public void Overlap_is_intersection_over_union()
    {
        Assert.Equal(1.0 / 3, PromptEvaluation.Overlap([true, true, false, false], [true, false, true, false]), 1e-12);
        Assert.Equal(0, PromptEvaluation.Overlap([true, false], [false, true]));
    }

    /// <summary>20 x 20 pixels from (20, 20) on, brighter than the rest.</summary>
    static Drawing Square(out bool[] truth)
    {
        const int size = 64;
        var canvas = new Canvas(size);
        truth = new bool[size * size];
        for (int y = 20; y < 40; y++)
            for (int x = 20; x < 40; x++)
            {
                truth[y * size + x] = true;
                canvas.Pixels.AsSpan(3 * (y * size + x), 3).Fill(2);
            }
        return new Drawing(canvas);
    }
}
