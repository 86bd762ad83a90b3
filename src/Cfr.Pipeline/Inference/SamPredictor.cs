using Cfr.Models;
using Cfr.Pipeline.Images;
using Cfr.Tensors;

namespace Cfr.Pipeline.Inference;

/// <summary>A mask of a picture.</summary>
/// <param name="Pixels">[H, W]; 1 is the object.</param>
/// <param name="Quality">What the model expects the intersection over union with the truth to be.</param>
/// <param name="LowResolution">Logits [4g, 4g] as the decoder gives them: of the padded square.</param>
public sealed record PredictedMask(byte[] Pixels, float Quality, float[] LowResolution)
{
    /// <summary>Pixels of the object.</summary>
    public int Area => Pixels.Count(pixel => pixel != 0);
}

/// <summary>Segments what is pointed at. A picture is encoded once, and asked about as often as wanted.</summary>
/// <example><code>
/// var predictor = new SamPredictor(sam);
/// predictor.SetImage(RgbImage.Read("dog.jpg"));
/// PredictedMask mask = predictor.Best(new ImagePrompt { Points = [new(500, 375)] });
/// </code></example>
public sealed class SamPredictor(Sam sam)
{
    Tensor? _embedding;
    LongestSide _frame;

    /// <summary>
    /// Encodes a picture; those before are forgotten. Call it outside of scopes: the embedding is kept.
    /// </summary>
    public void SetImage(RgbImage image)
    {
        Session session = sam.Weights.Session;
        int side = sam.Configuration.ImageSize;
        using Session.GradMode mode = session.NoGrad();
        using Scope scope = session.Scope();
        _embedding = scope.Return(sam.Embed(SamImage.Prepare(session, image, side)));
        _frame = new LongestSide(image.Height, image.Width, side);
    }

    /// <summary>
    /// The mask that the model thinks best: of the candidates if the prompt is ambiguous, else the single one.
    /// </summary>
    /// <inheritdoc cref="Candidates"/>
    public PredictedMask Best(ImagePrompt prompt) =>
        prompt.IsAmbiguous && sam.Configuration.Masks > 1
            ? Candidates(prompt).MaxBy(mask => mask.Quality)!
            : Predict(prompt, first: 0, count: 1)[0];

    /// <summary>
    /// The masks of all tokens but the first, which is for a single mask: three in SAM, from part to whole.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The prompt is empty, a place is not in the picture, a box has no extent, or a mask another size.
    /// </exception>
    /// <exception cref="InvalidOperationException">There is no picture yet.</exception>
    public IReadOnlyList<PredictedMask> Candidates(ImagePrompt prompt) => sam.Configuration.Masks > 1
        ? Predict(prompt, first: 1, sam.Configuration.Masks - 1)
        : Predict(prompt, first: 0, count: 1);

    PredictedMask[] Predict(ImagePrompt prompt, int first, int count)
    {
        if (_embedding is null) throw new InvalidOperationException("there is no picture yet: call SetImage first");
        prompt.Check(_frame.Height, _frame.Width);
        int side = 4 * sam.Configuration.Grid;
        if (prompt.Mask is { } given && given.Length != side * side)
            throw new ArgumentException($"the mask has {given.Length} logits; expected {side} x {side}");
        Session session = sam.Weights.Session;
        using Session.GradMode mode = session.NoGrad();
        using Scope scope = session.Scope();
        MaskPrediction prediction = sam.Predict(_embedding, Scaled(prompt));
        Tensor logits = prediction.Logits.Slice(3, first, count);
        float[] qualities = prediction.Quality.Slice(1, first, count).ToArray();
        float[] low = logits.Permute(0, 3, 1, 2).ToArray();
        float[] full = SamImage.Restore(logits, _frame).Permute(0, 3, 1, 2).ToArray();
        return
        [
            .. low.Chunk(low.Length / count).Zip(full.Chunk(full.Length / count), qualities).Select(mask => new PredictedMask(
                Array.ConvertAll(mask.Second, logit => logit > 0 ? (byte)1 : (byte)0), mask.Third, mask.First)),
        ];
    }

    /// <summary>In pixels of the model's input.</summary>
    Prompts Scaled(ImagePrompt prompt)
    {
        Session session = sam.Weights.Session;
        int points = prompt.Points.Count, side = 4 * sam.Configuration.Grid;
        return new Prompts
        {
            Points = points == 0
                ? null
                : session.Tensor(Places(prompt.Points.Select(point => (point.X, point.Y))), [1, points, 2]),
            Labels = points == 0
                ? null
                : session.Labels(
                    [.. prompt.Points.Select(point => point.IsObject ? Prompts.Foreground : Prompts.Background)],
                    [1, points]),
            Boxes = prompt.Box is { } box ? session.Tensor(Places((box.X0, box.Y0), (box.X1, box.Y1)), [1, 4]) : null,
            Masks = prompt.Mask is { } mask ? session.Tensor(mask, [1, side, side, 1]) : null,
        };

        float[] Places(params IEnumerable<(double X, double Y)> places) =>
        [
            .. places.Select(place => _frame.Map(place.X, place.Y))
                .SelectMany(place => new[] { (float)place.X, (float)place.Y }),
        ];
    }
}
