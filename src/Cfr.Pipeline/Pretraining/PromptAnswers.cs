using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>What a model answers to points and boxes in one drawing, at the drawing's resolution.</summary>
/// <param name="OfPoints">For each point its masks [S, S].</param>
/// <param name="Chosen">For each point the number of the mask that the model thinks best.</param>
/// <param name="OfBoxes">For each box its mask.</param>
sealed record PromptAnswers(bool[][][] OfPoints, int[] Chosen, bool[][] OfBoxes)
{
    /// <summary>Asks for what is at points (x, y) and in boxes (x0, y0, x1, y1).</summary>
    public static PromptAnswers Of(Sam sam, Drawing drawing, float[][] points, float[][] boxes)
    {
        Session session = sam.Weights.Session;
        int size = drawing.Size, masks = sam.Configuration.Masks;
        using Session.GradMode mode = session.NoGrad();
        using Scope scope = session.Step();
        Tensor embedding = sam.Embed(session.Tensor(drawing.Pixels, [1, size, size, 3]));
        MaskPrediction ofPoints = sam.Predict(embedding, new Prompts
        {
            Points = session.Tensor([.. points.SelectMany(point => point)], [points.Length, 1, 2]),
            Labels = session.Labels([.. points.Select(_ => Prompts.Foreground)], [points.Length, 1]),
        });
        MaskPrediction ofBoxes = sam.Predict(
            embedding, new Prompts { Boxes = session.Tensor([.. boxes.SelectMany(box => box)], [boxes.Length, 4]) });

        float[] several = ofPoints.Logits.Resize([size, size]).ToArray(), single = ofBoxes.Logits.Resize([size, size]).ToArray();
        float[] quality = ofPoints.Quality.ToArray();
        return new PromptAnswers(
            [.. points.Select((_, i) => Enumerable.Range(1, masks - 1).Select(mask => Mask(several, i, mask)).ToArray())],
            [.. points.Select((_, i) => Enumerable.Range(1, masks - 1).MaxBy(mask => quality[i * masks + mask]) - 1)],
            [.. boxes.Select((_, i) => Mask(single, i, 0))]);

        bool[] Mask(float[] logits, int prompt, int mask)
        {
            bool[] pixels = new bool[size * size];
            for (int i = 0; i < pixels.Length; i++) pixels[i] = logits[(prompt * size * size + i) * masks + mask] > 0;
            return pixels;
        }
    }
}
