using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// SAM's image encoder (Kirillov 2023; ViTDet, Li 2022): patches become tokens, positions are added, transformer blocks attend
/// within windows or to everything, a neck of two convolutions narrows the tokens to the embedding.
///   image [B, S, S, 3], normalised -> embedding [B, S / patch, S / patch, prompt width]
/// At S = 1024: 972 GFLOP with ViT-B.
/// </summary>
public sealed class ImageEncoder : Layer
{
    /// <summary>Of every layer norm in the encoder.</summary>
    internal const float Epsilon = 1e-6f;

    const int Channels = 3;

    readonly SamConfiguration _configuration;
    readonly Conv2d _patches;
    readonly Tensor _positions;
    readonly EncoderBlock[] _blocks;
    readonly Sequential _trunk;

    /// <summary>Creates its weights, under the names of the published checkpoints.</summary>
    /// <exception cref="ArgumentException">The configuration makes no sense.</exception>
    public ImageEncoder(Weights w, SamConfiguration configuration) : base(w)
    {
        configuration.Check();
        _configuration = configuration;
        int grid = configuration.Grid, width = configuration.Width, embedding = configuration.PromptWidth;
        _positions = w.Parameter("pos_embed", [1, grid, grid, width], Initialize.Constant(0));
        _patches = new Conv2d(
            w / "patch_embed" / "proj", Channels, width, configuration.PatchSize, stride: configuration.PatchSize);
        _blocks = [.. Enumerable.Range(0, configuration.Depth).Select(i => new EncoderBlock(w / "blocks" / i, configuration, i))];
        _trunk = new Sequential(w / "blocks", [.. _blocks]);
        Neck =
        [
            new Conv2d(w / "neck" / 0, width, embedding, kernel: 1, bias: false),
            new LayerNorm(w / "neck" / 1, embedding, Epsilon),
            new Conv2d(w / "neck" / 2, embedding, embedding, kernel: 3, padding: 1, bias: false),
            new LayerNorm(w / "neck" / 3, embedding, Epsilon),
        ];
    }

    /// <summary>
    /// Trades time for memory while training: a block keeps its input alone and is computed again in the backward pass. The
    /// gradients are the same.
    /// </summary>
    public bool Checkpointing
    {
        get => _blocks[0].Checkpointing;
        set
        {
            foreach (EncoderBlock block in _blocks) block.Checkpointing = value;
        }
    }

    /// <summary>The transformer blocks, in order.</summary>
    public IReadOnlyList<EncoderBlock> Blocks => _blocks;

    /// <summary>
    /// What comes after the blocks: convolution 1x1, layer norm, convolution 3x3, layer norm; together [B, grid, grid, width] -> [B,
    /// grid, grid, prompt width].
    /// </summary>
    public IReadOnlyList<Layer> Neck { get; }

    /// <inheritdoc/>
    protected override Tensor Compute(Tensor image)
    {
        Tensor x = _trunk.Forward(Tokens(image));
        return new Sequential(Weights / "neck", [.. Neck]).Forward(x);
    }

    /// <summary>The tokens before the first block: [B, S, S, 3] -> [B, grid, grid, width].</summary>
    /// <exception cref="ArgumentException">The image has another size.</exception>
    public Tensor Tokens(Tensor image)
    {
        int size = _configuration.ImageSize;
        if (image.Rank != 4 || image.Size(1) != size || image.Size(2) != size || image.Size(3) != Channels)
            throw new ArgumentException($"ImageEncoder: the image is {image.Shape}; expected [B, {size}, {size}, {Channels}]");
        using Scope scope = image.Session.Scope();
        return scope.Return(_patches.Forward(image) + _positions);
    }
}
