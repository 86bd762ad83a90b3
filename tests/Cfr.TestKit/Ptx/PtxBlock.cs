namespace Cfr.TestKit.Ptx;

/// <summary>
/// A block of a launch. Each thread runs until it needs others; then those of its warp do, and what they do together is
/// done. Lanes of a warp that wait for each other at different instructions are an error: on a GPU, too, they would.
/// </summary>
sealed unsafe class PtxBlock
{
    const int WarpSize = 32;

    readonly PtxKernel _kernel;
    readonly PtxThread[] _threads;

    public PtxBlock(PtxKernel kernel, int threads, (int X, int Y, int Z) index, (int X, int Y, int Z) grid)
    {
        (_kernel, Index, Grid) = (kernel, index, grid);
        _threads = [.. Enumerable.Range(0, threads).Select(number => new PtxThread(this, number, kernel.Registers))];
    }

    public int Threads => _threads.Length;

    public (int X, int Y, int Z) Index { get; }

    public (int X, int Y, int Z) Grid { get; }

    public required byte* Parameters { get; init; }

    public required int ParameterBytes { get; init; }

    public required byte* Shared { get; init; }

    public required int SharedBytes { get; init; }

    public required Func<ulong, int, bool> IsLent { get; init; }

    /// <summary>Runs it to the end.</summary>
    public void Run()
    {
        new Span<byte>(Shared, SharedBytes).Fill(0xff);
        while (true)
        {
            for (int first = 0; first < Threads; first += WarpSize)
                RunWarp(_threads.AsSpan(first, Math.Min(WarpSize, Threads - first)));
            if (Array.TrueForAll(_threads, thread => thread.HasLeft)) return;
            foreach (PtxThread thread in _threads) GoOn(thread);
        }
    }

    /// <summary>Until all its threads wait for the block or have left.</summary>
    void RunWarp(Span<PtxThread> lanes)
    {
        while (true)
        {
            PtxInstruction? at = null;
            foreach (PtxThread lane in lanes)
            {
                Run(lane);
                if (lane.HasLeft) continue;
                at ??= lane.WaitsAt;
                if (lane.WaitsAt != at)
                    throw new InvalidOperationException($"{_kernel.Name}: lanes wait at `{at}` and at `{lane.WaitsAt}`");
            }
            if (at is null || at.Kind == PtxKind.Barrier) return;
            PtxWarp.Execute(at, lanes);
            foreach (PtxThread lane in lanes) GoOn(lane);
        }
    }

    static void GoOn(PtxThread thread)
    {
        if (thread.WaitsAt is null) return;
        thread.WaitsAt = null;
        thread.Next++;
    }

    void Run(PtxThread thread)
    {
        while (!thread.HasLeft && thread.WaitsAt is null)
        {
            PtxInstruction instruction = _kernel.Code[thread.Next];
            bool isOff = instruction.Guard >= 0
                && thread.Registers[instruction.Guard] != 0 == instruction.GuardIsNot;
            if (isOff)
                thread.Next++;
            else if (instruction.Kind == PtxKind.Branch)
                thread.Next = instruction.Target!(thread);
            else if (instruction.Kind == PtxKind.Exit)
                thread.HasLeft = true;
            else if (instruction.Kind != PtxKind.Own)
                thread.WaitsAt = instruction;
            else
            {
                instruction.Execute!(thread);
                thread.Next++;
            }
        }
    }

    /// <summary>Where an instruction's bytes are, which must exist and be aligned.</summary>
    public byte* Memory(string operation, ulong address, int bytes, string text)
    {
        byte* place = operation.Contains(".param") ? Parameters + address
            : operation.Contains(".shared") ? Shared + (uint)address
            : operation.Contains(".global") ? (byte*)address
            : throw new NotSupportedException(text);
        bool exists = operation.Contains(".param") ? address + (ulong)bytes <= (ulong)ParameterBytes
            : operation.Contains(".shared") ? (uint)address + (ulong)bytes <= (ulong)SharedBytes
            : IsLent(address, bytes);
        if (!exists) throw new InvalidOperationException($"{_kernel.Name}: `{text}` is outside of memory at {address:x}");
        if ((ulong)place % (ulong)bytes != 0 && !operation.Contains(".param"))
            throw new InvalidOperationException($"{_kernel.Name}: `{text}` is not aligned at {address:x}");
        return place;
    }
}
