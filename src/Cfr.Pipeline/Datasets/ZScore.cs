namespace Cfr.Pipeline.Datasets;

/// <summary>(x - mean) / deviation, mean and population deviation over the voxels that count, summed in float64.</summary>
static class ZScore
{
    /// <summary>Over all voxels, in place.</summary>
    /// <exception cref="BadDataException">They are all alike; the message names <paramref name="path"/>.</exception>
    public static void Apply(string path, float[] voxels) => Apply(path, voxels, Moments(voxels, float.NegativeInfinity));

    /// <summary>With given moments, in place.</summary>
    public static void Apply(string path, float[] voxels, (double Mean, double Deviation) moments)
    {
        if (!(moments.Deviation > 0))
            throw new BadDataException($"{path}: every voxel is {moments.Mean:G6}; expected an image");
        float mean = (float)moments.Mean, deviation = (float)moments.Deviation;
        for (int i = 0; i < voxels.Length; i++) voxels[i] = (voxels[i] - mean) / deviation;
    }

    /// <summary>Over voxels above a threshold, in two passes.</summary>
    public static (double Mean, double Deviation) Moments(ReadOnlySpan<float> voxels, float above)
    {
        double sum = 0, squares = 0;
        long count = 0;
        foreach (float voxel in voxels)
        {
            if (!(voxel > above)) continue;
            sum += voxel;
            count++;
        }
        double mean = sum / count;
        foreach (float voxel in voxels)
            if (voxel > above) squares += (voxel - mean) * (voxel - mean);
        return (mean, Math.Sqrt(squares / count));
    }
}
