namespace Cfr.Pipeline.Metrics;

/// <summary>
/// What one class of one case scored. Where the prediction or the truth has no voxel of the class nothing can be measured
/// and every score is 0, as the published programs have it: a missed class costs Dice but <i>lowers</i> mean distances,
/// so <see cref="IsPredictionEmpty"/> is to be counted and shown.
/// </summary>
/// <param name="Class">The class, 1 or more.</param>
/// <param name="PredictedVoxels">Voxels of the class in the prediction.</param>
/// <param name="TrueVoxels">Voxels of the class in the reference.</param>
/// <param name="Dice">Dice, 0 to 1.</param>
/// <param name="Jaccard">Jaccard, 0 to 1.</param>
/// <param name="Asd">Mean distance from the prediction's surface to the truth's.</param>
/// <param name="Hd95">95th percentile of the distances of both directions.</param>
/// <param name="AsdMirrored">Mean distance from the truth's surface to the prediction's.</param>
/// <param name="Assd">Mean distance over both surfaces.</param>
/// <param name="Hd">Hausdorff distance.</param>
public sealed record ClassScore(
    int Class, long PredictedVoxels, long TrueVoxels, double Dice = 0, double Jaccard = 0, double Asd = 0,
    double Hd95 = 0, double AsdMirrored = 0, double Assd = 0, double Hd = 0)
{
    /// <summary>True if nothing of the class was predicted.</summary>
    public bool IsPredictionEmpty => PredictedVoxels == 0;

    /// <summary>True if the reference has nothing of the class.</summary>
    public bool IsTruthEmpty => TrueVoxels == 0;
}
