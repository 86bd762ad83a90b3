using Cfr.Kernels;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Batches of <c>primary</c> labelled cases followed by <c>secondary</c> unlabelled ones, as the published
/// semi-supervised code draws them. An epoch is one permutation of the labelled cases cut into groups (an incomplete last
/// one is dropped). The unlabelled stream is permutation after permutation, cut into groups, which may straddle two of
/// them; every epoch begins it afresh.
/// </summary>
/// <remarks>
/// Fewer labelled cases than <c>primary</c>, which the published code refuses, are repeated: one labelled case gives two
/// independently augmented crops of it, and every other number stays as it is.
/// </remarks>
public sealed class TwoStreamSampler : IBatchSampler
{
    readonly int _labelled, _unlabelled, _primary, _secondary;
    readonly Permutation _permutation;

    /// <summary>Labelled cases are 0 .. labelled - 1, unlabelled ones follow.</summary>
    /// <exception cref="ArgumentException">No labelled case, or fewer unlabelled ones than a batch takes.</exception>
    public TwoStreamSampler(int labelled, int unlabelled, int primary, int secondary, ulong seed)
        : this(labelled, unlabelled, primary, secondary, Seeded(seed)) { }

    internal TwoStreamSampler(int labelled, int unlabelled, int primary, int secondary, Permutation permutation)
    {
        if (labelled < 1) throw new ArgumentException("no labelled case to draw from");
        if (primary < 1 || secondary < 1)
            throw new ArgumentException($"a batch of {primary} labelled and {secondary} unlabelled cases; each at least 1");
        if (unlabelled < secondary)
            throw new ArgumentException($"{unlabelled} unlabelled cases; a batch takes {secondary}");
        (_labelled, _unlabelled, _primary, _secondary) = (labelled, unlabelled, primary, secondary);
        _permutation = permutation;
        EpochLength = Repeats * labelled / primary;
    }

    /// <inheritdoc/>
    public int EpochLength { get; }

    int Repeats => (_primary + _labelled - 1) / _labelled;

    /// <inheritdoc/>
    public int[] Batch(long iteration)
    {
        int epoch = (int)(iteration / EpochLength), group = (int)(iteration % EpochLength);
        int[] batch = new int[_primary + _secondary];
        int[] labelled = _permutation("labelled", epoch, 0, Repeats * _labelled);
        for (int i = 0; i < _primary; i++) batch[i] = labelled[group * _primary + i] % _labelled;

        int[] unlabelled = [];
        for (int i = 0, current = -1; i < _secondary; i++)
        {
            var (number, place) = Math.DivRem(group * _secondary + i, _unlabelled);
            if (number != current) unlabelled = _permutation("unlabelled", epoch, current = number, _unlabelled);
            batch[_primary + i] = _labelled + unlabelled[place];
        }
        return batch;
    }

    internal static Permutation Seeded(ulong seed) => (stream, epoch, number, count) =>
        new RandomNumbers(RandomKey.For(seed, $"order of {stream} cases", (ulong)epoch << 32 | (uint)number))
            .Permutation(count);
}
