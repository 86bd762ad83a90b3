using System.Buffers.Binary;
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
            byte[] content = Mutate(originals[mutant % originals.Length], random);
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

    static byte[] Mutate(byte[] original, Random random)
    {
        byte[] mutant = [.. original];
        int edits = 1 + random.Next(2);
        for (int i = 0; i < edits && mutant.Length > 16; i++)
            mutant = random.Next(12) switch
            {
                < 4 => FlipBit(mutant, random),
                < 6 => SetByte(mutant, random),
                < 8 => SetLength(mutant, random),
                8 => Insert(mutant, random),
                9 => Remove(mutant, random),
                10 => SwapBlocks(mutant, random),
                _ => mutant[..random.Next(1, mutant.Length)],
            };
        return mutant;
    }

    static byte[] FlipBit(byte[] bytes, Random random)
    {
        bytes[Place(bytes, random)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    static byte[] SetByte(byte[] bytes, Random random)
    {
        const string Meaningful =
            "().RQqhjrtus}]eabcKJMXGN\u0080\u0081\u0085\u0086\u0087\u008a\u008c\u0093\u0094\u0095{[,0:\"";
        bytes[Place(bytes, random)] =
            (byte)(random.Next(2) == 0 ? random.Next(256) : Meaningful[random.Next(Meaningful.Length)]);
        return bytes;
    }

    static byte[] Insert(byte[] bytes, Random random)
    {
        int at = Place(bytes, random);
        var inserted = new byte[1 + random.Next(16)];
        if (random.Next(2) == 0)
            random.NextBytes(inserted);
        else
            bytes.AsSpan(random.Next(bytes.Length - inserted.Length + 1), inserted.Length).CopyTo(inserted);
        return [.. bytes[..at], .. inserted, .. bytes[at..]];
    }

    static byte[] Remove(byte[] bytes, Random random)
    {
        int at = Place(bytes, random);
        return [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + random.Next(20))..]];
    }

    static byte[] SwapBlocks(byte[] bytes, Random random)
    {
        int length = 1 + random.Next(bytes.Length / 4), first = random.Next(bytes.Length / 2 - length + 1);
        int second = bytes.Length / 2 + random.Next(bytes.Length - bytes.Length / 2 - length + 1);
        byte[] block = bytes[first..(first + length)];
        bytes.AsSpan(second, length).CopyTo(bytes.AsSpan(first));
        block.CopyTo(bytes, second);
        return bytes;
    }

    /// <summary>Writes a number that is likely to be at the edge of something where a number may be.</summary>
    static byte[] SetLength(byte[] bytes, Random random)
    {
        long[] edges =
            [0, 1, -1, 255, 256, 65535, int.MaxValue, uint.MaxValue, long.MaxValue, long.MinValue, bytes.Length];
        long value = edges[random.Next(edges.Length)] + random.Next(-1, 2);
        int width = 1 << random.Next(4), at = Math.Min(Place(bytes, random), bytes.Length - width);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        number[..width].CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    /// <summary>Half of the edits fall on the first or last bytes, where headers and directories are.</summary>
    static int Place(byte[] bytes, Random random)
    {
        int edge = Math.Min(bytes.Length, 300);
        return random.Next(4) switch
        {
            0 => random.Next(edge),
            1 => bytes.Length - 1 - random.Next(edge),
            _ => random.Next(bytes.Length),
        };
    }

    static int HashOf(int seed, int mutant) => unchecked(seed * 31 + mutant);
}
