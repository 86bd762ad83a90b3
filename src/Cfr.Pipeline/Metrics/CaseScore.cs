using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>The scores of one case, a class each, in the order of the classes.</summary>
/// <param name="Case">Its name.</param>
/// <param name="Classes">Scores of classes 1, 2, ..</param>
public sealed record CaseScore(string Case, IReadOnlyList<ClassScore> Classes)
{
    /// <summary>Compares a prediction with the reference.</summary>
    /// <param name="name">Name of the case.</param>
    /// <param name="prediction">Predicted classes.</param>
    /// <param name="truth">Reference.</param>
    /// <param name="classes">Number of classes, the background included.</param>
    /// <param name="spacing">Size of a voxel in mm for distances in mm; by default distances are in voxels.</param>
    /// <param name="threads">Threads to use; the result does not depend on them.</param>
    /// <param name="distances">False leaves distances out, which take most of the time.</param>
    /// <exception cref="BadDataException">Sizes differ, or a voxel is of no such class.</exception>
    public static CaseScore Of(
        string name, LabelMap prediction, LabelMap truth, int classes, (double X, double Y, double Z)? spacing = null,
        int threads = 1, bool distances = true)
    {
        if (prediction.Size != truth.Size)
            throw new BadDataException($"{name}: the prediction is {prediction.Size}, the reference {truth.Size}");
        var overlaps = new Overlap[256];
        var bounds = Enumerable.Range(0, 256).Select(_ => new Bounds()).ToArray();
        Count(prediction, truth, overlaps, bounds);
        int stranger = Array.FindLastIndex(overlaps, overlap => overlap.Predicted + overlap.True > 0);
        if (stranger >= classes)
            throw new BadDataException($"{name}: the {(overlaps[stranger].Predicted > 0 ? "prediction" : "reference")} has "
                + $"voxels of class {stranger}; expected 0 to {classes - 1}");
        return new(name, [.. Enumerable.Range(1, classes - 1).Select(Score)]);

        ClassScore Score(int c)
        {
            Overlap overlap = overlaps[c];
            if (overlap.Predicted == 0 || overlap.True == 0) return new(c, overlap.Predicted, overlap.True);
            if (!distances) return new(c, overlap.Predicted, overlap.True, overlap.Dice, overlap.Jaccard);
            // Neither surfaces nor distances between them change outside the smallest box around both objects.
            Box box = bounds[c].ToBox();
            var between = SurfaceDistances.Between(
                Mask.Of(prediction, (byte)c, box), Mask.Of(truth, (byte)c, box), spacing, threads);
            return new(c, overlap.Predicted, overlap.True, overlap.Dice, overlap.Jaccard, between.AverageToTruth,
                between.Hausdorff95, between.AverageToPrediction, between.AverageSymmetric, between.Hausdorff);
        }
    }

    static void Count(LabelMap prediction, LabelMap truth, Overlap[] overlaps, Bounds[] bounds)
    {
        GridSize size = truth.Size;
        int i = 0;
        for (int x = 0; x < size.X; x++)
            for (int y = 0; y < size.Y; y++)
                for (int z = 0; z < size.Z; z++, i++)
                {
                    byte predicted = prediction.Voxels[i], real = truth.Voxels[i];
                    if ((predicted | real) == 0) continue;
                    overlaps[predicted] = overlaps[predicted] with { Predicted = overlaps[predicted].Predicted + 1 };
                    overlaps[real] = overlaps[real] with { True = overlaps[real].True + 1 };
                    if (predicted == real)
                        overlaps[real] = overlaps[real] with { Both = overlaps[real].Both + 1 };
                    bounds[predicted].Add(x, y, z);
                    bounds[real].Add(x, y, z);
                }
    }
}
