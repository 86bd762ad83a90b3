using System.Text.Json;
using Cfr.Pipeline.Datasets;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Datasets;

public class TwoStreamSamplerTests
{
    /// <summary>
    /// The reference's permutations are read off its own sequence (what an epoch did not use of one is put at its end)
    /// and given to the sampler: how they are cut, dropped, straddled and begun anew must then agree.
    /// </summary>
    [Fact]
    public void Sequences_are_the_references_given_its_permutations()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Golden.Path("ssl/schedules.json")));
        JsonElement examples = golden.RootElement.GetProperty("two_stream_sampler").GetProperty("examples");
        Assert.NotEmpty(examples.EnumerateArray());
        foreach (JsonElement example in examples.EnumerateArray())
        {
            int labelled = example.GetProperty("labeled").GetArrayLength();
            int unlabelled = example.GetProperty("unlabeled").GetArrayLength();
            int secondary = example.GetProperty("secondary_batch_size").GetInt32();
            int primary = example.GetProperty("batch_size").GetInt32() - secondary;
            int[][][] epochs = example.GetProperty("epochs").Deserialize<int[][][]>()!;
            var sampler = new TwoStreamSampler(labelled, unlabelled, primary, secondary, (stream, epoch, number, count) =>
            {
                int[] used = stream == "labelled"
                    ? [.. epochs[epoch].SelectMany(batch => batch[..primary])]
                    : [.. epochs[epoch].SelectMany(batch => batch[primary..]).Select(index => index - labelled)];
                int[] own = [.. used.Skip(number * count).Take(count)];
                Assert.Equal(own.Length, own.Distinct().Count());
                return [.. own, .. Enumerable.Range(0, count).Except(own)];
            });
            Assert.Equal(example.GetProperty("len").GetInt32(), sampler.EpochLength);
            Assert.Equal(
                epochs.SelectMany(epoch => epoch),
                Enumerable.Range(0, epochs.Length * sampler.EpochLength).Select(i => sampler.Batch(i)));
        }
    }

    [Fact]
    public void An_epoch_takes_every_labelled_case_once_and_unlabelled_ones_in_permutations()
    {
        const int Labelled = 16, Unlabelled = 5;
        var sampler = new TwoStreamSampler(Labelled, Unlabelled, 2, 2, seed: 3);
        Assert.Equal(8, sampler.EpochLength);
        for (int epoch = 0; epoch < 20; epoch++)
        {
            int[][] batches = [.. Enumerable.Range(epoch * 8, 8).Select(i => sampler.Batch(i))];
            Assert.Equal(Enumerable.Range(0, Labelled), batches.SelectMany(batch => batch[..2]).Order());
            int[] stream = [.. batches.SelectMany(batch => batch[2..])];
            foreach (int[] permutation in stream.Chunk(Unlabelled).Where(chunk => chunk.Length == Unlabelled))
                Assert.Equal(Enumerable.Range(Labelled, Unlabelled), permutation.Order());
        }
    }

    [Fact]
    public void Epochs_differ_and_the_seed_decides()
    {
        var sampler = new TwoStreamSampler(16, 64, 2, 2, seed: 3);
        string Epoch(TwoStreamSampler of, int epoch) =>
            string.Join(' ', Enumerable.Range(epoch * 8, 8).SelectMany(i => of.Batch(i)));
        Assert.NotEqual(Epoch(sampler, 0), Epoch(sampler, 1));
        Assert.Equal(Epoch(sampler, 1), Epoch(new TwoStreamSampler(16, 64, 2, 2, seed: 3), 1));
        Assert.NotEqual(Epoch(sampler, 1), Epoch(new TwoStreamSampler(16, 64, 2, 2, seed: 4), 1));
    }

    [Fact]
    public void One_labelled_case_fills_the_labelled_half()
    {
        var sampler = new TwoStreamSampler(1, 79, 2, 2, seed: 3);
        for (int i = 0; i < 50; i++)
        {
            int[] batch = sampler.Batch(i);
            Assert.Equal([0, 0], batch[..2]);
            Assert.All(batch[2..], index => Assert.InRange(index, 1, 79));
        }
    }

    [Fact]
    public void Fewer_unlabelled_cases_than_a_batch_takes_are_refused() =>
        Assert.Contains("1 unlabelled", Assert.Throws<ArgumentException>(() => new TwoStreamSampler(4, 1, 2, 2, 0)).Message);

    [Fact]
    public void A_shuffled_epoch_takes_every_case_once_and_ends_with_the_rest()
    {
        var sampler = new ShuffledSampler(10, 4, seed: 1);
        int[][] batches = [.. Enumerable.Range(0, 6).Select(i => sampler.Batch(i))];
        Assert.Equal([4, 4, 2, 4, 4, 2], batches.Select(batch => batch.Length));
        Assert.Equal(Enumerable.Range(0, 10), batches[..3].SelectMany(batch => batch).Order());
        Assert.Equal(Enumerable.Range(0, 10), batches[3..].SelectMany(batch => batch).Order());
        Assert.NotEqual(batches[..3].SelectMany(batch => batch), batches[3..].SelectMany(batch => batch));
        Assert.Equal([0], new ShuffledSampler(1, 4, seed: 1).Batch(17));
    }
}
