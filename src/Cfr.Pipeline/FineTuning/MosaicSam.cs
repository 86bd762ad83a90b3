using Cfr.Models;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.FineTuning;

/// <summary>
/// SAM on volumes: a patch becomes a picture of all its slices, SAM without prompts gives a map a class, and the picture is
/// cut back into the patch (Equations 1 to 3 of the paper).
/// </summary>
public sealed class MosaicSam : IVolumeNetwork
{
    readonly Sam _sam;
    readonly MosaicSamOrigin _origin;
    Mosaic? _mosaic;

    /// <summary>Puts a SAM whose mask tokens are classes behind a way to lay out slices.</summary>
    public MosaicSam(Sam sam, ConcatenationConfiguration concatenation, MosaicSamOrigin origin) =>
        (_sam, Concatenation, _origin) = (sam, concatenation, origin);

    /// <summary>How slices are laid out.</summary>
    public ConcatenationConfiguration Concatenation { get; }

    /// <summary>SAM itself.</summary>
    public Sam Sam => _sam;

    /// <inheritdoc/>
    public Weights Weights => _sam.Weights;

    /// <inheritdoc/>
    public string Name => $"SAM {SamRecognition.Describe(_sam.Configuration)} on mosaics";

    /// <inheritdoc/>
    public int Classes => _sam.Configuration.Masks;

    /// <inheritdoc/>
    public Tensor Logits(Tensor patches)
    {
        using Scope scope = patches.Session.Scope();
        Mosaic mosaic = MosaicOf(new GridSize(patches.Size(1), patches.Size(2), patches.Size(3)));
        return scope.Return(mosaic.Volume(CanvasLogits(mosaic.Images(patches))));
    }

    /// <summary>Logits of grey canvases [N, S, S, 1] at full size: [N, S, S, K].</summary>
    public Tensor CanvasLogits(Tensor canvases)
    {
        using Scope scope = canvases.Session.Scope();
        int size = _sam.Configuration.ImageSize;
        return scope.Return(_sam.Forward(Mosaic.Rgb(canvases)).Resize([size, size]));
    }

    /// <summary>The mosaic of patches of this size.</summary>
    public Mosaic MosaicOf(GridSize patch) =>
        _mosaic?.Patch == patch ? _mosaic : _mosaic = Concatenation.For(patch, _sam.Configuration.ImageSize);

    /// <inheritdoc/>
    public void Save(string path, IReadOnlyDictionary<string, string> notes) =>
        MosaicSamFile.Save(this, _origin, path, notes);
}
