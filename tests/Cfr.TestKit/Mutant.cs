using System.Buffers.Binary;

namespace Cfr.TestKit;

/// <summary>Damaged files, to show that readers refuse them.</summary>
public static class Mutant
{
    /// <summary>
    /// A damaged copy: bits, bytes and numbers changed, bytes inserted, removed, exchanged, or the end cut off.
    /// </summary>
    /// <param name="original">More than 16 bytes.</param>
    /// <param name="random">Where the damage comes from: the same state, the same copy.</param>
    /// <param name="meaningful">Characters (of Latin-1) that mean something where such a file has them.</param>
    public static byte[] Of(byte[] original, Random random, string meaningful)
    {
        byte[] mutant = [.. original];
        int edits = 1 + random.Next(2);
        for (int i = 0; i < edits && mutant.Length > 16; i++)
            mutant = random.Next(12) switch
            {
                < 4 => FlipBit(mutant, random),
                < 6 => SetByte(mutant, random, meaningful),
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

    static byte[] SetByte(byte[] bytes, Random random, string meaningful)
    {
        bytes[Place(bytes, random)] =
            (byte)(random.Next(2) == 0 ? random.Next(256) : meaningful[random.Next(meaningful.Length)]);
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
}
