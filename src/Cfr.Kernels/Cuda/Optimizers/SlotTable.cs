using System.Runtime.InteropServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Up to <see cref="SlotTables{TSlot}.ChunkFloats"/> elements of a parameter: where they and what belongs to them
/// begin; 0 for what a slot does not have.
/// </summary>
struct SlotChunk
{
    public long Parameter, Gradient, First, Second, Average, Count;
}

/// <summary>
/// Lists of parameters on the device. A kernel that steps all parameters at once reads where they lie from a table;
/// it is written when a list is new and then found again by its contents, so that a step of a training loop copies
/// nothing but its few factors, and these only where they have changed. The factors stand before the table, at an
/// address that stays.
/// </summary>
sealed class SlotTables<TSlot>(GpuDevice gpu, SlotTables<TSlot>.Split split) where TSlot : struct, IEquatable<TSlot>
{
    /// <summary>
    /// Elements of a chunk: a multiple of a packet, so that chunks of an aligned parameter are aligned.
    /// </summary>
    public const int ChunkFloats = 8192;

    /// <summary>Bytes of the factors before the table.</summary>
    public const int FactorBytes = 64;

    const int MostTables = 32;

    readonly List<Table> _tables = [];

    /// <summary>The addresses of a slot's first chunk, and how many elements it has.</summary>
    public delegate SlotChunk Split(TSlot slot);

    /// <summary>The table of these slots, with these factors before it; null where no slot has an element.</summary>
    public Table? Of<TFactors>(ReadOnlySpan<TSlot> slots, TFactors factors) where TFactors : unmanaged
    {
        Table? table = null;
        for (int i = 0; i < _tables.Count && table is null; i++)
        {
            if (!slots.SequenceEqual(_tables[i].Slots)) continue;
            table = _tables[i];
            _tables.RemoveAt(i);
        }
        table ??= Write(slots);
        if (table is null) return null;
        // The table used last stands last.
        _tables.Add(table);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<TFactors>(in factors));
        if (bytes.SequenceEqual(table.Factors)) return table;
        gpu.Upload(bytes, new View(table.Buffer.Address, bytes.Length, DType.UInt8));
        table.Factors = bytes.ToArray();
        return table;
    }

    Table? Write(ReadOnlySpan<TSlot> slots)
    {
        var chunks = new List<SlotChunk>();
        foreach (TSlot slot in slots)
        {
            SlotChunk all = split(slot);
            for (long start = 0; start < all.Count; start += ChunkFloats)
            {
                chunks.Add(new SlotChunk
                {
                    Parameter = At(all.Parameter, start),
                    Gradient = At(all.Gradient, start),
                    First = At(all.First, start),
                    Second = At(all.Second, start),
                    Average = At(all.Average, start),
                    Count = Math.Min(ChunkFloats, all.Count - start),
                });
            }
        }
        if (chunks.Count == 0) return null;
        if (_tables.Count == MostTables)
        {
            // Launches in the stream have read the table before whoever rents its memory next writes there. A recorded
            // launch has not: it may be replayed only while its list is among the tables used last.
            _tables[0].Buffer.Release();
            _tables.RemoveAt(0);
        }
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(chunks));
        DeviceBuffer buffer = gpu.Pool.Rent(FactorBytes + bytes.Length);
        try
        {
            gpu.Upload(bytes, new View(buffer.Address + FactorBytes, bytes.Length, DType.UInt8));
        }
        catch
        {
            buffer.Release();
            throw;
        }
        return new Table(slots.ToArray(), buffer, chunks.Count);
    }

    static long At(long address, long start) => address == 0 ? 0 : address + start * sizeof(float);

    /// <summary>A list and its table on the device.</summary>
    public sealed class Table(TSlot[] slots, DeviceBuffer buffer, int chunks)
    {
        public TSlot[] Slots { get; } = slots;

        public DeviceBuffer Buffer { get; } = buffer;

        public int Chunks { get; } = chunks;

        /// <summary>The bytes that stand before the table on the device.</summary>
        public byte[] Factors { get; set; } = [];
    }
}
