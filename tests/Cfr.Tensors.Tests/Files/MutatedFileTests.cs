using System.Diagnostics;
using Cfr.Tensors.Files;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests.Files;

/// <summary>
/// Damages the good golden files in many ways. Every mutant must be read completely or be refused with the one error
/// type: any other exception, a crash or a hang fails the test, which names the seed and the mutant that repeat it.
/// </summary>
public class MutatedFileTests
{
    const int Seed = 20240601;
    const int Mutants = 10_000;
    const int LargestFile = 8_000;
    const string Meaningful =
        "().RQqhjrtus}]eabcKJMXGN\u0080\u0081\u0085\u0086\u0087\u008a\u008c\u0093\u0094\u0095{[,0:\"";
    static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(5);

    [Fact]
    public void Every_mutant_is_read_completely_or_refused()
    {
        using var folder = new TemporaryFolder();
        byte[][] originals = Originals(folder);
        string path = folder.File("mutant");
        int refused = 0;
        for (int mutant = 0; mutant < Mutants; mutant++)
        {
            var random = new Random(HashOf(Seed, mutant));
            byte[] content = Mutant.Of(originals[mutant % originals.Length], random, Meaningful);
            File.WriteAllBytes(path, content);
            long start = Stopwatch.GetTimestamp();
            try
            {
                ReadCompletely(path);
            }
            catch (WeightFileException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, mutant {mutant} of {originals.Length} files: {e}");
            }
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            Assert.True(took < LongestRead, $"seed {Seed}, mutant {mutant}: took {took}");
        }
        Assert.InRange(refused, Mutants / 4, Mutants * 9 / 10);
    }

    static byte[][] Originals(TemporaryFolder folder)
    {
        NpyFile.Write(folder.File("1.npy"), TensorToStore.Of("t", [3, 2], new[] { 1f, 2, 3, 4, 5, 6 }));
        NpzFile.Write(folder.File("2.npz"), [.. SampleTensors.OfEveryType(bfloat16: false)]);
        NpzFile.Write(folder.File("3.npz"), [TensorToStore.Of("zeros", [1000], new float[1000])], deflate: true);
        IEnumerable<string> golden = Directory.GetFiles(Golden.Path("sam/ckpt"))
            .Where(path => !Path.GetFileName(path).StartsWith("REFUSE")).Order(StringComparer.Ordinal);
        IEnumerable<string> made = ["1.npy", "2.npz", "3.npz"];
        IEnumerable<byte[]> contents = golden.Concat(made.Select(folder.File)).Select(File.ReadAllBytes);
        return [.. contents.Where(content => content.Length <= LargestFile)];
    }

    static void ReadCompletely(string path)
    {
        using var file = WeightFile.Open(path);
        foreach (StoredTensor tensor in file.Tensors.Values)
        {
            var values = new float[tensor.Count];
            tensor.CopyTo(values.AsSpan());
            _ = tensor.Bytes.Length;
        }
    }

    static int HashOf(int seed, int mutant) => unchecked(seed * 31 + mutant);
}
