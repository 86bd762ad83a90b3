using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Runs what a reference file holds and compares: weights and inputs are stored in the file or come from the <see
/// cref="Generator"/>; sizes and seeds are those of the file.
/// </summary>
public static class ParityKinds
{
    static readonly (string Name, Action<ParityRun> Run)[] All =
    [
        ("augment", AugmentParity.Run),
        ("metrics", MetricsParity.Run),
        ("ops3d", OpsParity.Run),
        ("sam-attention", AttentionParity.Run),
        ("sam-image-encoder", ImageEncoderParity.Run),
        ("sam-lora-qkv", LoraParity.Run),
        ("sam-losses", SamLossesParity.Run),
        ("sam-mask-decoder", MaskDecoderParity.Run),
        ("sam-optimizers", OptimizersParity.Run),
        ("sam-preprocess-postprocess", SamImageParity.Run),
        ("sam-prompt-encoder", PromptEncoderParity.Run),
        ("sam-relpos", RelativePositionParity.Run),
        ("sam-resize", ResizeParity.Run),
        ("sam-two-way-transformer", TwoWayTransformerParity.Run),
        ("sam-window", WindowParity.Run),
        ("sliding-window", SlidingWindowParity.Run),
        ("ssl-losses", LossesParity.Run),
        ("ssl-optimizers", OptimizersParity.Run),
        ("unet3d", UNet3dParity.Run),
        ("unet3d-dv", DeepSupervisedUNet3dParity.Run),
        ("vnet", VNetParity.Run),
        ("vnet-pyramid", PyramidVNetParity.Run),
        ("vnet-sdf", SdfVNetParity.Run),
    ];

    /// <summary>The kinds that can be run.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(kind => kind.Name)];

    /// <summary>Runs a file.</summary>
    /// <param name="path">A safetensors file whose metadata says its <c>kind</c>.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="outputsOnly">Compare results of forward passes alone.</param>
    /// <param name="tolerance">Replaces the relative tolerances, each kind's own by default.</param>
    /// <exception cref="BadDataException">
    /// The file is of no known kind, or lacks something that its kind needs.
    /// </exception>
    public static ParityReport Check(string path, Device device, bool outputsOnly = false, double? tolerance = null)
    {
        using var file = new ReferenceFile(path);
        Action<ParityRun> kind = All.FirstOrDefault(kind => kind.Name == file.Kind).Run
            ?? throw file.Bad($"is of kind '{file.Kind}', which is not known; known kinds: {string.Join(", ", Names)}");
        var run = new ParityRun(file, new Session(device), outputsOnly);
        try
        {
            kind(run);
        }
        catch (Exception error) when (error is ArgumentException or KeyNotFoundException)
        {
            throw new BadDataException($"{path}: {error.Message}", error);
        }
        if (run.Checks.Count == 0) throw file.Bad($"holds nothing to compare for kind '{file.Kind}'");
        ParityCheck[] checks =
        [
            .. run.Checks
                .Select(check => tolerance is { } given && !check.IsAbsolute ? check with { Tolerance = given } : check)
                .OrderBy(check => check.Passes).ThenByDescending(check => check.Error),
        ];
        return new ParityReport(path, file.Kind, checks, run.Notes, file.Unused);
    }
}
