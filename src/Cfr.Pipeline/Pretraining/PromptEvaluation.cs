using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>How well a SAM finds what prompts point at, in drawings that it was not trained on.</summary>
public static class PromptEvaluation
{
    /// <summary>Objects of a drawing at most.</summary>
    const int Most = 8;

    /// <summary>The seed of the drawings that belong to a training seed and are never trained on.</summary>
    public static ulong HeldOutSeed(ulong seed) => ~seed;

    /// <summary>Scores of a model.</summary>
    /// <param name="sam">The model, with several masks.</param>
    /// <param name="seed">Of the drawings.</param>
    /// <param name="drawings">How many.</param>
    /// <param name="progress">Is told how many are done of how many.</param>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public static PromptScores Run(
        Sam sam, ulong seed, int drawings, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        Session session = sam.Weights.Session;
        double best = 0, chosen = 0, box = 0, flood = 0, filled = 0, threshold = 0;
        int objects = 0;
        for (int i = 0; i < drawings; i++)
        {
            stop.ThrowIfCancellationRequested();
            Drawing drawing = Drawing.Draw(seed, (ulong)i, sam.Configuration.ImageSize);
            var random = new RandomNumbers(RandomKey.For(seed, "prompts", (ulong)i));
            DrawnObject[] asked = [.. random.Permutation(drawing.Objects.Count).Take(Most)
                .Select(at => new DrawnObject(drawing, drawing.Objects[at]))];
            float[][] points = [.. asked.Select(each => each.DrawPoint(random))], boxes = [.. asked.Select(each => each.DrawBox(random))];
            PromptAnswers answers = PromptAnswers.Of(sam, drawing, points, boxes);
            for (int k = 0; k < asked.Length; k++)
            {
                bool[] truth = asked[k].Mask;
                double[] overlaps = [.. answers.OfPoints[k].Select(mask => Overlap(mask, truth))];
                best += overlaps.Max();
                chosen += overlaps[answers.Chosen[k]];
                box += Overlap(answers.OfBoxes[k], truth);
                flood += Overlap(Baselines.Flood(drawing, points[k]), truth);
                filled += Overlap(Baselines.FilledBox(drawing.Size, boxes[k]), truth);
                threshold += Overlap(Baselines.Threshold(drawing, boxes[k]), truth);
            }
            objects += asked.Length;
            progress?.Invoke(i + 1, drawings);
        }
        return new PromptScores
        {
            Drawings = drawings,
            Objects = objects,
            PointBest = best / objects,
            PointChosen = chosen / objects,
            Box = box / objects,
            PointFlood = flood / objects,
            BoxFilled = filled / objects,
            BoxThreshold = threshold / objects,
        };
    }

    /// <summary>Intersection over union.</summary>
    internal static double Overlap(bool[] found, bool[] truth)
    {
        int both = 0, either = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            if (found[i] && truth[i]) both++;
            if (found[i] || truth[i]) either++;
        }
        return either == 0 ? 1 : (double)both / either;
    }
}
