namespace Cfr.TestKit.Ptx;

/// <summary>What an instruction needs of the others.</summary>
enum PtxKind
{
    /// <summary>Nothing: a thread does it alone.</summary>
    Own,
    Branch,
    Exit,
    /// <summary>All threads of the block.</summary>
    Barrier,
    /// <summary>All lanes of the warp.</summary>
    WarpBarrier,
    Vote,
    Shuffle,
    LoadMatrix,
    Mma,
    /// <summary>Each warp has 16 of a warp group's 64 lines, and needs none of the others for them.</summary>
    WarpgroupMma,
}

/// <summary>
/// An instruction. A register holds 64 bits, of which an instruction of a narrower type sees the lower ones; operands are
/// functions of a thread.
/// </summary>
sealed class PtxInstruction(string text, string operation)
{
    /// <summary>As it stands in the listing.</summary>
    public string Text { get; } = text;

    /// <summary>Its name with all that follows points: <c>add.rn.f32</c>.</summary>
    public string Operation { get; } = operation;

    public PtxKind Kind { get; init; }

    /// <summary>The predicate without which it does nothing, or -1; and whether that is to be false.</summary>
    public int Guard { get; set; } = -1;
    public bool GuardIsNot { get; set; }

    /// <summary>What a thread does alone.</summary>
    public Action<PtxThread>? Execute { get; init; }

    /// <summary>Where a branch goes.</summary>
    public Func<PtxThread, int>? Target { get; init; }

    /// <summary>Registers and operands of what lanes do together.</summary>
    public int[] Results { get; init; } = [];
    public Func<PtxThread, ulong>[] Operands { get; init; } = [];

    public override string ToString() => Text;
}

/// <summary>A thread: its registers and where it is.</summary>
sealed class PtxThread(PtxBlock block, int number, int registers)
{
    public PtxBlock Block { get; } = block;

    public int Number { get; } = number;

    public int Lane => Number & 31;

    public ulong[] Registers { get; } = new ulong[registers];

    public int Next { get; set; }

    public bool HasLeft { get; set; }

    /// <summary>The instruction at which it waits for others; null while it runs.</summary>
    public PtxInstruction? WaitsAt { get; set; }
}
