using System.Collections.Concurrent;
using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>How patches are drawn.</summary>
/// <param name="Patch">Their size.</param>
/// <param name="RotateFlip">Whether each is turned and flipped in the plane of axes 0 and 1 first.</param>
public sealed record Sampling(GridSize Patch, bool RotateFlip);

/// <summary>
/// Makes batches ahead of training, on threads of its own, at most <c>ahead</c> of them. A batch depends on the seed and
/// its iteration alone (turn and crop of a sample on its slot too), so the sequence is the same however threads are
/// timed, and a run continues by starting at the iteration where it stopped.
/// </summary>
/// <example><code>
/// using var loader = new BatchLoader(cases, store, new ShuffledSampler(cases.Count, 4, seed), sampling, seed);
/// using (Batch batch = loader.Next()) Train(batch.ImageTensor(session), batch.LabelTensor(session));
/// </code></example>
public sealed class BatchLoader : IDisposable
{
    readonly IReadOnlyList<Case> _cases;
    readonly CaseStore _store;
    readonly IBatchSampler _sampler;
    readonly Sampling _sampling;
    readonly ulong _seed;
    readonly ResidentCases? _resident;
    readonly ConcurrentBag<Batch> _spare = [];
    readonly AheadLoader<Batch> _loader;

    /// <summary>Starts making batches.</summary>
    /// <param name="cases">What the sampler's indices mean.</param>
    /// <param name="store">Where cases come from.</param>
    /// <param name="sampler">Which cases make a batch.</param>
    /// <param name="sampling">How patches are cut.</param>
    /// <param name="seed">Of turns and crops.</param>
    /// <param name="start">Iteration of the first batch.</param>
    /// <param name="threads">Threads that make batches.</param>
    /// <param name="ahead">Batches made before they are wanted.</param>
    /// <param name="resident">The cases on a device that is to cut the patches; null to cut them here.</param>
    public BatchLoader(
        IReadOnlyList<Case> cases, CaseStore store, IBatchSampler sampler, Sampling sampling, ulong seed,
        long start = 0, int threads = 2, int ahead = 4, ResidentCases? resident = null)
    {
        (_cases, _store, _sampler, _sampling, _seed, _resident) = (cases, store, sampler, sampling, seed, resident);
        _loader = new AheadLoader<Batch>(Make, start, threads, ahead);
    }

    /// <summary>Iteration of the batch that <see cref="Next"/> returns next: all there is to save and restore.</summary>
    public long Position => _loader.Position;

    /// <summary>The next batch, waiting for it if need be.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    /// <remarks>What went wrong while the batch was made is thrown here, as it was.</remarks>
    public Batch Next(CancellationToken cancel = default) => _loader.Next(cancel);

    /// <summary>Stops the threads, after the batch that each is making.</summary>
    public void Dispose() => _loader.Dispose();

    Batch Make(long iteration)
    {
        int[] drawn = _sampler.Batch(iteration);
        if (!_spare.TryTake(out Batch? batch) || batch.Capacity < drawn.Length)
            batch = new Batch(_sampling.Patch, drawn.Length, _resident);
        batch.Begin(iteration, [.. drawn.Select(i => _cases[i])], _spare.Add);
        for (int slot = 0; slot < drawn.Length; slot++)
        {
            Case each = batch.Cases[slot];
            var random = new RandomNumbers(RandomKey.For(_seed, "patch", (ulong)iteration << 16 | (uint)slot));
            if (_resident is { } device)
                batch.Point(slot, Draw(device.SizeOf(each)));
            else
            {
                LoadedCase from = _store.Get(each);
                batch.Fill(slot, from, Draw(from.Geometry.Size));
            }

            PatchDraw Draw(GridSize size) => PatchDraw.Draw(size, _sampling.Patch, _sampling.RotateFlip, random);
        }
        return batch;
    }
}
