namespace Cfr.Pipeline.Pretraining;

/// <summary>Mean intersection over union with the objects that prompts asked for, at the pictures' resolution.</summary>
public sealed record PromptScores
{
    /// <summary>Drawings, none of which was trained on.</summary>
    public required int Drawings { get; init; }

    /// <summary>Objects; each was asked for by a point and by a box.</summary>
    public required int Objects { get; init; }

    /// <summary>One point: the best of the model's masks, by the truth.</summary>
    public required double PointBest { get; init; }

    /// <summary>One point: the mask that the model itself thinks best.</summary>
    public required double PointChosen { get; init; }

    /// <summary>One box.</summary>
    public required double Box { get; init; }

    /// <summary>One point, without a model: what is connected with it and about as grey.</summary>
    public required double PointFlood { get; init; }

    /// <summary>One box, without a model: all of it.</summary>
    public required double BoxFilled { get; init; }

    /// <summary>One box, without a model: what a threshold tells apart in it.</summary>
    public required double BoxThreshold { get; init; }
}
