namespace Cfr.Pipeline.Metrics;

/// <summary>
/// How far the surfaces of two objects are apart, as medpy defines it: the distances of every surface voxel of one object
/// to the nearest surface voxel of the other.
/// </summary>
public sealed class SurfaceDistances
{
    const double Percentile = 0.95;

    readonly double[] _toTruth, _toPrediction;

    SurfaceDistances(double[] toTruth, double[] toPrediction) => (_toTruth, _toPrediction) = (toTruth, toPrediction);

    /// <summary>ASD: mean distance of the prediction's surface to the truth's. One-sided.</summary>
    public double AverageToTruth => _toTruth.Average();

    /// <summary>The mirrored ASD: mean distance of the truth's surface to the prediction's.</summary>
    public double AverageToPrediction => _toPrediction.Average();

    /// <summary>ASSD: the mean over the surface voxels of both objects together.</summary>
    public double AverageSymmetric =>
        (_toTruth.Sum() + _toPrediction.Sum()) / (_toTruth.Length + _toPrediction.Length);

    /// <summary>
    /// 95HD: the 95th percentile of the distances of both directions together, interpolated linearly between ranks.
    /// </summary>
    public double Hausdorff95
    {
        get
        {
            double[] all = [.. _toTruth, .. _toPrediction];
            Array.Sort(all);
            double rank = Percentile * (all.Length - 1);
            int below = (int)rank;
            return below + 1 == all.Length ? all[below] : all[below] + (rank - below) * (all[below + 1] - all[below]);
        }
    }

    /// <summary>The Hausdorff distance: the largest of all.</summary>
    public double Hausdorff => Math.Max(_toTruth.Max(), _toPrediction.Max());

    /// <summary>Number of surface voxels of the prediction.</summary>
    public int PredictionSurface => _toTruth.Length;

    /// <summary>Number of surface voxels of the truth.</summary>
    public int TruthSurface => _toPrediction.Length;

    /// <summary>Measures two masks of one size.</summary>
    /// <param name="prediction">The object judged.</param>
    /// <param name="truth">The reference.</param>
    /// <param name="spacing">Size of a voxel; by default distances are in voxels.</param>
    /// <param name="threads">Threads to use.</param>
    /// <exception cref="ArgumentException">Sizes differ, or an object is empty: it has no surface.</exception>
    public static SurfaceDistances Between(
        Mask prediction, Mask truth, (double X, double Y, double Z)? spacing = null, int threads = 1)
    {
        if (prediction.Size != truth.Size)
            throw new ArgumentException($"the prediction is {prediction.Size}, the reference {truth.Size}");
        Mask predicted = prediction.Surface(), real = truth.Surface();
        return new(From(predicted, real), From(real, predicted));

        double[] From(Mask surface, Mask target)
        {
            double[] squared = DistanceTransform.Squared(target, spacing, threads);
            var distances = new List<double>();
            for (int i = 0; i < squared.Length; i++)
                if (surface.Voxels[i]) distances.Add(Math.Sqrt(squared[i]));
            if (distances.Count == 0) throw new ArgumentException("an empty object has no surface to measure from");
            return [.. distances];
        }
    }
}
