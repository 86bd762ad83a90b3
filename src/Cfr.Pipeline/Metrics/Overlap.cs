namespace Cfr.Pipeline.Metrics;

/// <summary>Voxels of a prediction, of the truth, and of both at once.</summary>
public readonly record struct Overlap(long Predicted, long True, long Both)
{
    /// <summary>2 |A and B| / (|A| + |B|), 0 to 1; 1 where both are empty.</summary>
    public double Dice => Predicted + True == 0 ? 1 : 2.0 * Both / (Predicted + True);

    /// <summary>|A and B| / |A or B|, 0 to 1; 1 where both are empty.</summary>
    public double Jaccard => Predicted + True == 0 ? 1 : (double)Both / (Predicted + True - Both);
}
