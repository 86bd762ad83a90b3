using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Cfr.Pipeline.Volumes;

/// <summary>
/// The voxels of a file as they lie there. The memory grows with what really arrives: a header that promises more than
/// the file holds costs nothing.
/// </summary>
sealed unsafe class VoxelBytes : IDisposable
{
    const int FirstCapacity = 1 << 20;

    byte* _start;

    VoxelBytes() { }

    public long Length { get; private set; }

    public byte* Start => _start;

    /// <summary>The next <paramref name="count"/> bytes, or fewer if the stream ends before.</summary>
    public static VoxelBytes Read(Stream stream, long count)
    {
        var bytes = new VoxelBytes();
        try
        {
            long capacity = 0;
            while (bytes.Length < count)
            {
                if (bytes.Length == capacity)
                {
                    capacity = Math.Min(count, Math.Max(FirstCapacity, 2 * capacity));
                    bytes._start = (byte*)NativeMemory.Realloc(bytes._start, checked((nuint)capacity));
                }
                int room = (int)Math.Min(capacity - bytes.Length, int.MaxValue);
                int got = stream.Read(new Span<byte>(bytes._start + bytes.Length, room));
                if (got == 0) break;
                bytes.Length += got;
            }
            return bytes;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Reverses the bytes of every element.</summary>
    public void Swap(int elementBytes)
    {
        const int Step = 1 << 20;
        for (long at = 0; at < Length; at += Step)
        {
            var part = new Span<byte>(_start + at, (int)Math.Min(Step, Length - at));
            switch (elementBytes)
            {
                case 2: Reverse(MemoryMarshal.Cast<byte, ushort>(part)); break;
                case 4: Reverse(MemoryMarshal.Cast<byte, uint>(part)); break;
                case 8: Reverse(MemoryMarshal.Cast<byte, ulong>(part)); break;
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_start);
        _start = null;
    }

    static void Reverse(Span<ushort> part) => BinaryPrimitives.ReverseEndianness(part, part);

    static void Reverse(Span<uint> part) => BinaryPrimitives.ReverseEndianness(part, part);

    static void Reverse(Span<ulong> part) => BinaryPrimitives.ReverseEndianness(part, part);
}
