using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Another recipe's scans with fewer voxels: a block of <paramref name="factor"/> along each axis becomes one, its intensity
/// the mean, its class the most frequent one (of equals the larger). What is left over at the end of an axis is lost.
/// </summary>
sealed class Shrunk(IRecipe recipe, int factor) : IRecipe
{
    public string Signature => $"{recipe.Signature}, shrunk {factor}";

    public IReadOnlyList<Case> Find(string folder) => recipe.Find(folder);

    public DataSetList Describe(IReadOnlyList<string> found)
    {
        DataSetList list = recipe.Describe(found);
        return list with
        {
            Name = $"{list.Name} shrunk by {factor}",
            Description = $"{list.Description}, shrunk by {factor}",
            Spacing = list.Spacing is { } spacing ? [.. spacing.Select(size => factor * size)] : null,
        };
    }

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var (image, label) = recipe.Prepare(raw, seed);
        GridSize size = new(image.Size.X / factor, image.Size.Y / factor, image.Size.Z / factor);
        if (size.Voxels == 0) throw new BadDataException($"{raw.ImagePath}: {image.Size} voxels cannot be shrunk by {factor}");
        double middle = (factor - 1) / 2.0;
        var blocks = new Affine(factor, 0, 0, middle, 0, factor, 0, middle, 0, 0, factor, middle);
        Geometry geometry = image.Geometry with { Size = size, Affine = image.Geometry.Affine * blocks };
        float[] means = new float[size.Voxels];
        byte[] classes = new byte[size.Voxels];
        Span<int> votes = stackalloc int[256];
        for (int i = 0; i < means.Length; i++)
        {
            var (x, y, z) = size.IndexOf(i);
            votes.Clear();
            double sum = 0;
            for (int dx = 0; dx < factor; dx++)
                for (int dy = 0; dy < factor; dy++)
                {
                    int row = ((x * factor + dx) * image.Size.Y + y * factor + dy) * image.Size.Z + z * factor;
                    for (int dz = 0; dz < factor; dz++)
                    {
                        sum += image.Voxels[row + dz];
                        votes[label.Voxels[row + dz]]++;
                    }
                }
            means[i] = (float)(sum / (factor * factor * factor));
            int best = 0;
            for (int c = 1; c < votes.Length; c++)
                if (votes[c] > 0 && votes[c] >= votes[best]) best = c;
            classes[i] = (byte)best;
        }
        return (new Volume(geometry, means), new LabelMap(geometry, classes));
    }
}
