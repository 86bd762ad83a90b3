using BenchmarkDotNet.Attributes;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Bench;

/// <summary>
/// One batch of the published semi-supervised setting (2 labelled and 2 unlabelled patches of 112x112x80, turned and
/// flipped) out of volumes of the usual left-atrium size, as training waits for it when it does nothing else.
/// </summary>
public class LoaderBenchmarks
{
    const int Batches = 20, Cases = 20, Labelled = 4;

    static readonly GridSize Size = new(190, 142, 88), Patch = new(112, 112, 80);

    BatchLoader _loader = null!;

    /// <summary>Threads that make batches.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Open()
    {
        Case[] cases = [.. Enumerable.Range(0, Cases).Select(i => new Case($"{i}", "", i < Labelled ? "" : null))];
        var store = new CaseStore(one => new LoadedCase(
            one.Name, Geometry.Unit(Size), new float[Size.Voxels], one.LabelPath is null ? null : new byte[Size.Voxels]));
        store.Load(cases, Threads);
        var sampler = new TwoStreamSampler(Labelled, Cases - Labelled, 2, 2, seed: 1);
        _loader = new BatchLoader(cases, store, sampler, new Sampling(Patch, RotateFlip: true), seed: 1, threads: Threads);
    }

    [GlobalCleanup]
    public void Close() => _loader.Dispose();

    [Benchmark(OperationsPerInvoke = Batches)]
    public float Batch()
    {
        float sum = 0;
        for (int i = 0; i < Batches; i++)
        {
            using Batch batch = _loader.Next();
            sum += batch.Images[0];
        }
        return sum;
    }
}
