using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// What is asked of an image: P prompts, each of points, a box and a mask, or of some of these. Places are pixels of
/// the model's input, x first, whole numbers at pixels' centres.
/// </summary>
/// <example><code>
/// var prompts = new Prompts { Points = session.Tensor([512, 400], [1, 1, 2]), Labels = session.Labels([1], [1, 1]) };
/// </code></example>
public sealed record Prompts
{
    /// <summary>Label of a point of the object.</summary>
    public const int Foreground = 1;

    /// <summary>Label of a point that does not belong to the object.</summary>
    public const int Background = 0;

    /// <summary>Label of what fills up prompts of fewer points.</summary>
    public const int NoPoint = -1;

    /// <summary>Nothing: the model is to find what it was trained to find.</summary>
    public static readonly Prompts None = new();

    /// <summary>[P, N, 2]; needs <see cref="Labels"/>.</summary>
    public Tensor? Points { get; init; }

    /// <summary>int32 [P, N]: <see cref="Foreground"/>, <see cref="Background"/> or <see cref="NoPoint"/>.</summary>
    public Tensor? Labels { get; init; }

    /// <summary>[P, 4] as x0, y0, x1, y1.</summary>
    public Tensor? Boxes { get; init; }

    /// <summary>Logits of a mask [P, 4g, 4g, 1], those of an earlier prediction.</summary>
    public Tensor? Masks { get; init; }
}

/// <summary>Prompts as the decoder takes them.</summary>
/// <param name="Sparse">Tokens of points and boxes [P, n, D]; null if there are none.</param>
/// <param name="Dense">What is added to the image's embedding: [P, g, g, D], or [1, 1, 1, D] without masks.</param>
public readonly record struct PromptEmbedding(Tensor? Sparse, Tensor Dense);
