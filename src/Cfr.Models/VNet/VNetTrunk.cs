using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>Outputs of a V-Net's encoder, from full resolution (F channels) to a sixteenth of it (16 F).</summary>
public readonly record struct VNetFeatures(Tensor X1, Tensor X2, Tensor X3, Tensor X4, Tensor X5);

/// <summary>Outputs of a V-Net's decoder, from an eighth of the resolution (8 F channels) to all of it (F).</summary>
public readonly record struct VNetDecoded(Tensor X6, Tensor X7, Tensor X8, Tensor X9);

/// <summary>
/// A V-Net without its heads: convolutions of 3x3x3, convolutions of stride 2 down and up, skips added. Not Milletari's
/// (2016): no sums inside a stage, no PReLU. This form is that of Yu et al., "Uncertainty-aware self-ensembling model"
/// (2019), and of the semi-supervised programs after it.
/// </summary>
public abstract class VNetTrunk : Segmenter
{
    const float DropRate = 0.5f;

    readonly Layer _one, _oneDown, _two, _twoDown, _three, _threeDown, _four, _fourDown, _five;
    readonly Layer _fiveUp, _six, _sixUp, _seven, _sevenUp, _eight, _eightUp, _nine;

    private protected VNetTrunk(Weights w, NetworkConfiguration configuration) : base(w, configuration)
    {
        int f = configuration.Filters;
        Normalization norm = configuration.UsedNormalization;
        _one = VNetBlocks.Conv(w / "block_one", norm, stages: 1, configuration.Channels, f);
        _oneDown = VNetBlocks.Down(w / "block_one_dw", norm, f);
        _two = VNetBlocks.Conv(w / "block_two", norm, stages: 2, 2 * f, 2 * f);
        _twoDown = VNetBlocks.Down(w / "block_two_dw", norm, 2 * f);
        _three = VNetBlocks.Conv(w / "block_three", norm, stages: 3, 4 * f, 4 * f);
        _threeDown = VNetBlocks.Down(w / "block_three_dw", norm, 4 * f);
        _four = VNetBlocks.Conv(w / "block_four", norm, stages: 3, 8 * f, 8 * f);
        _fourDown = VNetBlocks.Down(w / "block_four_dw", norm, 8 * f);
        _five = VNetBlocks.Conv(w / "block_five", norm, stages: 3, 16 * f, 16 * f);
        _fiveUp = VNetBlocks.Up(w / "block_five_up", norm, 16 * f);
        _six = VNetBlocks.Conv(w / "block_six", norm, stages: 3, 8 * f, 8 * f);
        _sixUp = VNetBlocks.Up(w / "block_six_up", norm, 8 * f);
        _seven = VNetBlocks.Conv(w / "block_seven", norm, stages: 3, 4 * f, 4 * f);
        _sevenUp = VNetBlocks.Up(w / "block_seven_up", norm, 4 * f);
        _eight = VNetBlocks.Conv(w / "block_eight", norm, stages: 2, 2 * f, 2 * f);
        _eightUp = VNetBlocks.Up(w / "block_eight_up", norm, 2 * f);
        _nine = VNetBlocks.Conv(w / "block_nine", norm, stages: 1, f, f);
    }

    /// <summary>The way down: x [N, D, H, W, channels] -> features at five resolutions.</summary>
    public VNetFeatures Encode(Tensor x)
    {
        Check(x);
        Tensor x1 = _one.Forward(x), x2 = _two.Forward(_oneDown.Forward(x1));
        Tensor x3 = _three.Forward(_twoDown.Forward(x2)), x4 = _four.Forward(_threeDown.Forward(x3));
        return new VNetFeatures(x1, x2, x3, x4, _five.Forward(_fourDown.Forward(x4)));
    }

    /// <summary>The way up. Detached, its results serve as features of a voxel.</summary>
    public VNetDecoded Decode(VNetFeatures features)
    {
        Tensor x6 = _six.Forward(Join(_fiveUp, features.X5, features.X4));
        Tensor x7 = _seven.Forward(Join(_sixUp, x6, features.X3));
        Tensor x8 = _eight.Forward(Join(_sevenUp, x7, features.X2));
        return new VNetDecoded(x6, x7, x8, _nine.Forward(Join(_eightUp, x8, features.X1)));
    }

    /// <summary>Both ways, with dropout on x5 and x9.</summary>
    private protected VNetDecoded Features(Tensor x, bool dropout)
    {
        VNetFeatures encoded = Encode(x);
        VNetDecoded decoded = Decode(encoded with { X5 = DropChannels(encoded.X5, DropRate, dropout) });
        return decoded with { X9 = DropChannels(decoded.X9, DropRate, dropout) };
    }

    /// <summary>Dropout at the rate of the trunk.</summary>
    private protected Tensor Drop(Tensor x, bool dropout) => DropChannels(x, DropRate, dropout);

    /// <summary>up x + skip; up x itself is given back at once.</summary>
    static Tensor Join(Layer up, Tensor x, Tensor skip)
    {
        using Scope scope = x.Session.Scope();
        return scope.Return(up.Forward(x) + skip);
    }
}
