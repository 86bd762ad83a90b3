using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// What the two abdominal CT sets have in common: axes to the left, back and head (the order of DICOM), clip to the soft
/// tissue window of -125 to 275 HU, voxels of 1.5 x 1.5 x 2 mm (image linear, label nearest), normalise over the volume.
/// MagicNet (Chen et al. 2023) names the voxel size and the normalisation; without the window, which its text leaves out,
/// its histograms do not come out.
/// </summary>
static class AbdominalCt
{
    public const float LowestHu = -125, HighestHu = 275;

    public static readonly Orientation Orientation = Orientation.Parse("LPS");

    public static (double X, double Y, double Z) Spacing => (1.5, 1.5, 2);

    public static (Volume Image, LabelMap Label) Prepare(Case raw, Volume image, LabelMap label)
    {
        float[] hounsfield = [.. image.Voxels.Select(value => Math.Clamp(value, LowestHu, HighestHu))];
        Volume resampled = new Volume(image.Geometry, hounsfield).Resample(Spacing);
        ZScore.Apply(raw.ImagePath, resampled.Voxels);
        return (resampled, label.Resample(Spacing));
    }
}
