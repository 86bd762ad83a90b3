using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>Second prompts: where a mask is wrong, a click says so.</summary>
static class Correction
{
    /// <summary>
    /// The first points, each followed by a pixel that its mask has wrongly or lacks, and the mask itself. Where nothing is wrong the
    /// first point stands twice.
    /// </summary>
    /// <param name="group">The first points.</param>
    /// <param name="logits">The masks that they led to [N, 4g 4g, 1]; no gradient flows back into them.</param>
    /// <param name="sam">Sizes of images and masks.</param>
    /// <param name="seed">Of the choice of pixels.</param>
    /// <param name="iteration">Of the choice of pixels.</param>
    public static Prompts Of(PromptGroup group, Tensor logits, SamConfiguration sam, ulong seed, long iteration)
    {
        Session session = logits.Session;
        var random = new RandomNumbers(RandomKey.For(seed, "correction", (ulong)iteration));
        int side = 4 * sam.Grid, pixels = side * side, factor = sam.ImageSize / side;
        float[] values = logits.ToArray(), points = new float[group.Count * 4];
        int[] labels = new int[group.Count * 2];
        for (int i = 0; i < group.Count; i++)
        {
            float[] mask = values[(i * pixels)..((i + 1) * pixels)], target = group.Targets[(i * pixels)..((i + 1) * pixels)];
            int[] wrong = [.. Enumerable.Range(0, pixels).Where(pixel => mask[pixel] > 0 != target[pixel] > 0)];
            Span<float> places = points.AsSpan(4 * i, 4);
            group.Places.AsSpan(2 * i, 2).CopyTo(places);
            group.Places.AsSpan(2 * i, 2).CopyTo(places[2..]);
            labels[2 * i] = labels[2 * i + 1] = Prompts.Foreground;
            if (wrong.Length == 0) continue;
            int click = wrong[random.Below(wrong.Length)];
            (places[2], places[3]) = (Centre(click % side), Centre(click / side));
            if (target[click] == 0) labels[2 * i + 1] = Prompts.Background;
        }
        return new Prompts
        {
            Points = session.Tensor(points, [group.Count, 2, 2]),
            Labels = session.Labels(labels, [group.Count, 2]),
            Masks = session.Tensor(values, [group.Count, side, side, 1]),
        };

        float Centre(int at) => at * factor + (factor - 1) / 2f;
    }
}
