using Cfr.Models;

namespace Cfr.TestKit;

/// <summary>A SAM small enough to be made in a moment.</summary>
public static class TestSam
{
    /// <summary>8 x 8 tokens, a block with windows that do not divide them and one without.</summary>
    public static SamConfiguration Small { get; } = new()
    {
        ImageSize = 64,
        PatchSize = 8,
        Width = 24,
        Depth = 2,
        Heads = 3,
        GlobalBlocks = [1],
        Window = 5,
        PromptWidth = 32,
        DecoderHidden = 48,
        QualityHidden = 24,
    };
}
