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
    readonly Lora? _lora;
    Mosaic? _mosaic;

    /// <summary>Puts a SAM whose mask tokens are classes behind a way to lay out slices.</summary>
    internal MosaicSam(
        Sam sam, ConcatenationConfiguration concatenation, MosaicSamOrigin origin, Lora? lora = null) =>
        (_sam, Concatenation, _origin, _lora) = (sam, concatenation, origin, lora);

    /// <summary>Where its frozen part comes from.</summary>
    public MosaicSamOrigin Origin => _origin;

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
        Tensor canvases = mosaic.Images(patches), first = CanvasLogits(canvases.Slice(0, 0, 1));
        // One at a time: SAM's memory is that of one canvas, however many there are.
        Tensor[] others = [.. Enumerable.Range(1, canvases.Size(0) - 1).Select(i => CanvasLogits(canvases.Slice(0, i, 1)))];
        return scope.Return(mosaic.Volume(others.Length == 0 ? first : first.Concat(0, others)));
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
    public void Save(string path, IReadOnlyDictionary<string, string> notes)
    {
        bool merged = _lora is { IsMerged: true };
        if (merged) _lora!.Unmerge();
        MosaicSamFile.Save(this, _origin, path, notes);
        if (merged) _lora!.Merge();
    }
}
