using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Datasets;

public class BatchLoaderTests
{
    static readonly GridSize Size = new(14, 11, 9), Patch = new(8, 8, 6);
    static readonly Case[] Cases = [.. Enumerable.Range(0, 7).Select(i => new Case($"case{i}", $"image{i}", i < 4 ? "label" : null))];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    public void Batches_depend_on_the_seed_and_the_iteration_alone(int threads, int ahead)
    {
        var whole = Take(Loader(threads: 2, ahead: 4), 12);
        Assert.Equal(whole, Take(Loader(threads: threads, ahead: ahead), 12));
        Assert.Equal(whole[5..], Take(Loader(start: 5, threads: threads, ahead: ahead), 7));
        Assert.NotEqual(whole, Take(Loader(seed: 2), 12));
        Assert.Equal(12, whole.Distinct().Count());
    }

    [Fact]
    public void The_position_is_where_a_saved_run_continues()
    {
        var whole = Take(Loader(), 9);
        using BatchLoader first = Loader();
        for (int i = 0; i < 4; i++) first.Next(Stop).Dispose();
        Assert.Equal(4, first.Position);
        Assert.Equal(whole[4..], Take(Loader(start: first.Position), 5));
    }

    [Fact]
    public void Labels_lie_on_their_images_and_cases_without_one_are_unknown()
    {
        using BatchLoader loader = Loader();
        for (int i = 0; i < 10; i++)
        {
            using Batch batch = loader.Next(Stop);
            Assert.Equal(i, batch.Iteration);
            int voxels = (int)Patch.Voxels;
            for (int n = 0; n < batch.Count; n++)
            {
                float[] image = batch.Images.Slice(n * voxels, voxels).ToArray();
                int[] label = batch.Labels.Slice(n * voxels, voxels).ToArray();
                Assert.Equal(n < 2, batch.Cases[n].LabelPath is not null);
                Assert.Equal(n < 2 ? image.Select(value => (int)value % 5) : image.Select(_ => Batch.Unknown), label);
            }
        }
    }

    [Theory, InlineData("cpu"), InlineData("emulated"), InlineData("cuda")]
    public void Patches_cut_on_a_device_have_the_bits_of_those_cut_on_the_host(string name)
    {
        using Device device = TestGpu.Open(name);
        var session = new Session(device);
        var resident = new ResidentCases(session, Cases, new CaseStore(Read));
        foreach (GridSize patch in (GridSize[])[Patch, new(3, 8, 2), new(9, 4, 7)])
            foreach (bool turn in (bool[])[true, false])
            {
                using BatchLoader onHost = Loader(null), onDevice = Loader(resident);
                for (int i = 0; i < 12; i++)
                {
                    using Scope step = session.Step();
                    using Batch host = onHost.Next(Stop), there = onDevice.Next(Stop);
                    Assert.Equal(host.Cases, there.Cases);
                    Assert.Equal(host.Images, there.ImageTensor(session).ToArray());
                    Assert.Equal(host.Labels, there.LabelTensor(session).ToIntArray());
                    Assert.Equal(host.ImageTensor(session).Shape, there.ImageTensor(session).Shape);
                }

                BatchLoader Loader(ResidentCases? resident) => new(
                    Cases, new CaseStore(Read), new TwoStreamSampler(3, 4, 2, 2, 1), new(patch, turn), 1, resident: resident);
            }
    }

    [Fact]
    public void Cases_that_take_more_than_a_quarter_of_the_free_memory_stay_on_the_host_and_that_is_said()
    {
        var warnings = new List<string>();
        var store = new CaseStore(Read);
        long voxels = Cases.Sum(each => Read(each).Geometry.Size.Voxels * (each.LabelPath is null ? 4 : 8));
        Assert.NotNull(Upload(4 * voxels));
        Assert.Empty(warnings);
        Assert.Null(Upload(4 * voxels - 4));
        Assert.Contains("more than a quarter of the", Assert.Single(warnings));
        Assert.Null(Upload(null));
        Assert.Single(warnings);

        ResidentCases? Upload(long? free) => ResidentCases.Upload(
            new Session(new CpuDevice(1)), Cases, store, free, warnings.Add);
    }

    [Fact]
    public void A_fault_reaches_the_training_thread_with_its_own_message_after_the_batches_before_it()
    {
        int reads = 0;
        var store = new CaseStore(wanted =>
            ++reads == 5 ? throw new BadDataException($"{wanted.ImagePath}: damaged") : Read(wanted));
        using var loader = new BatchLoader(Cases, store, new ShuffledSampler(7, 2, 1), new(Patch, true), 1, threads: 1);
        loader.Next(Stop).Dispose();
        loader.Next(Stop).Dispose();
        for (int i = 0; i < 2; i++)
            Assert.EndsWith(": damaged", Assert.Throws<BadDataException>(() => loader.Next(Stop)).Message);
    }

    [Fact]
    public void Waiting_for_a_batch_can_be_cancelled()
    {
        using var release = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        var store = new CaseStore(wanted =>
        {
            cancel.Cancel();
            release.Wait(Stop);
            return Read(wanted);
        });
        using var loader = new BatchLoader(Cases, store, new ShuffledSampler(7, 2, 1), new(Patch, true), 1);
        Assert.Throws<OperationCanceledException>(() => loader.Next(cancel.Token));
        release.Set();
        loader.Next(Stop).Dispose();
    }

    [Fact]
    public void It_stays_ahead_by_so_many_batches_and_no_more()
    {
        int asked = 0;
        var sampler = new Counting(new ShuffledSampler(7, 2, 1), () => Interlocked.Increment(ref asked));
        using (var loader = new BatchLoader(Cases, new CaseStore(Read), sampler, new(Patch, true), 1, ahead: 3))
        {
            for (int i = 0; i < 5; i++) loader.Next(Stop).Dispose();
        }
        Assert.InRange(asked, 5, 8);
    }

    [Fact]
    public void A_store_reads_each_case_once_and_drops_the_oldest_beyond_its_limit()
    {
        var reads = new List<string>();
        LoadedCase Counted(Case wanted)
        {
            lock (reads) reads.Add(wanted.Name);
            return Read(wanted);
        }
        var all = new CaseStore(Counted);
        Parallel.For(0, 70, i => all.Get(Cases[i % 7]));
        Assert.Equal(7, reads.Count);

        reads.Clear();
        long one = Read(Cases[0]).Bytes;
        var two = new CaseStore(Counted, limit: 2 * one);
        foreach (int i in (int[])[0, 1, 0, 2, 0, 1]) two.Get(Cases[i]);
        Assert.Equal(["case0", "case1", "case2", "case1"], reads);
        Assert.Equal(2 * one, two.Bytes);
    }

    [Fact]
    public void Loading_all_cases_names_the_first_that_is_bad()
    {
        var store = new CaseStore(wanted =>
            wanted.Name is "case2" or "case5" ? throw new BadDataException(wanted.Name) : Read(wanted));
        Assert.Equal("case2", Assert.Throws<BadDataException>(() => store.Load(Cases, threads: 3, cancel: Stop)).Message);
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static BatchLoader Loader(ulong seed = 1, long start = 0, int threads = 2, int ahead = 4) => new(
        Cases, new CaseStore(Read), new TwoStreamSampler(4, 3, 2, 2, seed), new Sampling(Patch, RotateFlip: true), seed,
        start, threads, ahead);

    /// <summary>Every voxel is its own number, so that batches tell where they come from; a label is that modulo 5.</summary>
    static LoadedCase Read(Case wanted)
    {
        int first = 1 + 10_000 * int.Parse(wanted.Name[4..]);
        float[] image = [.. Enumerable.Range(first, (int)Size.Voxels).Select(i => (float)i)];
        return new(wanted.Name, Geometry.Unit(Size), image,
            wanted.LabelPath is null ? null : [.. image.Select(value => (byte)(value % 5))]);
    }

    static List<string> Take(BatchLoader loader, int count)
    {
        using (loader)
        {
            var contents = new List<string>();
            for (int i = 0; i < count; i++)
            {
                using Batch batch = loader.Next(Stop);
                contents.Add($"{string.Join(' ', batch.Images.ToArray())} / {string.Join(' ', batch.Labels.ToArray())}");
            }
            return contents;
        }
    }

    sealed class Counting(IBatchSampler inner, Action count) : IBatchSampler
    {
        public int EpochLength => inner.EpochLength;

        public int[] Batch(long iteration)
        {
            count();
            return inner.Batch(iteration);
        }
    }
}
