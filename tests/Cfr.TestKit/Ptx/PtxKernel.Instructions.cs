using System.Globalization;
using System.Text.RegularExpressions;

namespace Cfr.TestKit.Ptx;

/// <summary>What the instructions that ILGPU and the kernels' inline PTX use mean (PTX ISA 7.8, chapter 9).</summary>
sealed partial class PtxKernel
{
    PtxInstruction Instruction(string statement)
    {
        Match parts = Parts().Match(statement);
        string operation = parts.Groups["operation"].Value, name = operation.Split('.')[0];
        string type = operation.Split('.')[^1];
        string[] operands = [.. Operand().Matches(parts.Groups["operands"].Value).Select(operand => operand.Value.Trim())];
        PtxInstruction instruction = name switch
        {
            "bra" => Branch(Label(operands[0])),
            "brx" => BranchByIndex(),
            "ret" or "exit" => new(statement, operation) { Kind = PtxKind.Exit },
            "bar" => new(statement, operation)
            {
                Kind = operation.Contains("warp") ? PtxKind.WarpBarrier : PtxKind.Barrier,
            },
            "vote" => Together(PtxKind.Vote, [operands[0]], operands[1..^1]),
            "shfl" => Together(PtxKind.Shuffle, [operands[0]], operands[1..]),
            "wgmma" when operands.Length > 1 => Together(PtxKind.WarpgroupMma, Group(operands[0]), [.. operands[1..].SelectMany(Group)]),
            "wgmma" or "fence" => Own(_ => { }),
            "mma" => Together(PtxKind.Mma, Group(operands[0]), [.. operands[1..].SelectMany(Group)]),
            "ldmatrix" => Together(PtxKind.LoadMatrix, Group(operands[0]), [operands[1].Trim('[', ']', ' ')]),
            "ld" => Own(Load(operation, type, operands, statement)),
            "st" => Own(Store(operation, type, operands, statement)),
            "cp" => Own(operands.Length < 2 ? _ => { } : Copy(operands, statement)),
            "mov" when operands[0].StartsWith('{') => Own(Unpack(type, operands)),
            _ => Own(Assign(Register(operands[0]), Value(statement, operation, operands))),
        };
        if (parts.Groups["guard"].Success)
        {
            instruction.Guard = Register(parts.Groups["guard"].Value);
            instruction.GuardIsNot = parts.Groups["not"].Success;
        }
        return instruction;

        PtxInstruction Own(Action<PtxThread> execute) => new(statement, operation) { Execute = execute };

        PtxInstruction Branch(int target) =>
            new(statement, operation) { Kind = PtxKind.Branch, Target = _ => target };

        PtxInstruction BranchByIndex()
        {
            int[] targets = [.. _targets[operands[1]].Select(Label)];
            Func<PtxThread, ulong> index = Source(operands[0]);
            return new(statement, operation) { Kind = PtxKind.Branch, Target = thread => targets[(int)index(thread)] };
        }

        PtxInstruction Together(PtxKind kind, string[] results, string[] sources) => new(statement, operation)
        {
            Kind = kind,
            Results = [.. results.Select(Register)],
            Operands = [.. sources.Select(Source)],
        };
    }

    int Label(string name) => _labels[name];

    static string[] Group(string operand) => [.. operand.Trim('{', '}', ' ').Split(',').Select(name => name.Trim())];

    static Action<PtxThread> Assign(int register, Func<PtxThread, ulong> value) =>
        thread => thread.Registers[register] = value(thread);

    /// <summary>An operand: a register, a special one, a number, or the place of an array in shared memory.</summary>
    Func<PtxThread, ulong> Source(string operand)
    {
        switch (operand)
        {
            case "%tid.x": return thread => (ulong)thread.Number;
            case "%ntid.x": return thread => (ulong)thread.Block.Threads;
            case "%ctaid.x": return thread => (ulong)thread.Block.Index.X;
            case "%ctaid.y": return thread => (ulong)thread.Block.Index.Y;
            case "%ctaid.z": return thread => (ulong)thread.Block.Index.Z;
            case "%nctaid.x": return thread => (ulong)thread.Block.Grid.X;
            case "%nctaid.y": return thread => (ulong)thread.Block.Grid.Y;
            case "%nctaid.z": return thread => (ulong)thread.Block.Grid.Z;
            case "%laneid": return thread => (ulong)thread.Lane;
        }
        if (operand.StartsWith('%') || _bare.Contains(operand))
        {
            int register = Register(operand);
            return thread => thread.Registers[register];
        }
        ulong value = _shared.TryGetValue(operand, out ulong place) ? place
            : operand.StartsWith("0f") || operand.StartsWith("0d") || operand.StartsWith("0x")
                ? ulong.Parse(operand[2..], NumberStyles.HexNumber)
            : operand.StartsWith('-') ? (ulong)long.Parse(operand, CultureInfo.InvariantCulture)
            : ulong.Parse(operand, CultureInfo.InvariantCulture);
        return _ => value;
    }

    Func<PtxThread, ulong> Address(string operand)
    {
        Match parts = Place().Match(operand);
        string name = parts.Groups["base"].Value;
        long offset = parts.Groups["offset"].Success ? long.Parse(parts.Groups["offset"].Value) : 0;
        Func<PtxThread, ulong> begin = name == _parameter ? _ => 0 : Source(name);
        return thread => begin(thread) + (ulong)offset;
    }

    unsafe Action<PtxThread> Load(string operation, string type, string[] operands, string text)
    {
        int[] registers = [.. Group(operands[0]).Select(Register)];
        Func<PtxThread, ulong> address = Address(operands[1]);
        int size = PtxType.Bytes(type), bytes = size * registers.Length;
        return thread =>
        {
            byte* from = thread.Block.Memory(operation, address(thread), bytes, text);
            for (int i = 0; i < registers.Length; i++, from += size)
            {
                ulong value = size == 8 ? *(ulong*)from : size == 4 ? *(uint*)from : size == 2 ? *(ushort*)from : *from;
                thread.Registers[registers[i]] = size < 4 ? (uint)PtxType.Signed(type, value) : value;
            }
        };
    }

    unsafe Action<PtxThread> Store(string operation, string type, string[] operands, string text)
    {
        Func<PtxThread, ulong> address = Address(operands[0]);
        Func<PtxThread, ulong>[] values = [.. Group(operands[1]).Select(Source)];
        int size = PtxType.Bytes(type), bytes = size * values.Length;
        return thread =>
        {
            byte* to = thread.Block.Memory(operation, address(thread), bytes, text);
            for (int i = 0; i < values.Length; i++, to += size)
            {
                ulong value = values[i](thread);
                if (size == 8) *(ulong*)to = value;
                else if (size == 4) *(uint*)to = (uint)value;
                else if (size == 2) *(ushort*)to = (ushort)value;
                else *to = (byte)value;
            }
        };
    }

    /// <summary><c>cp.async</c>, done at once; what is behind the source's bytes becomes zeros.</summary>
    unsafe Action<PtxThread> Copy(string[] operands, string text)
    {
        Func<PtxThread, ulong> target = Address(operands[0]), source = Address(operands[1]);
        int bytes = int.Parse(operands[2]);
        Func<PtxThread, ulong> there = operands.Length > 3 ? Source(operands[3]) : _ => (ulong)bytes;
        return thread =>
        {
            var to = new Span<byte>(thread.Block.Memory(".shared", target(thread), bytes, text), bytes);
            int count = (int)there(thread);
            to.Clear();
            if (count > 0) new Span<byte>(thread.Block.Memory(".global", source(thread), bytes, text), count).CopyTo(to);
        };
    }

    /// <summary>A wide register into narrower ones.</summary>
    Action<PtxThread> Unpack(string type, string[] operands)
    {
        int[] registers = [.. Group(operands[0]).Select(Register)];
        Func<PtxThread, ulong> source = Source(operands[1]);
        int bits = PtxType.Bytes(type) * 8 / registers.Length;
        return thread =>
        {
            ulong value = source(thread);
            for (int i = 0; i < registers.Length; i++, value >>= bits)
                thread.Registers[registers[i]] = value & (1ul << bits) - 1;
        };
    }

    [GeneratedRegex(
        @"^(@(?<not>!)?(?<guard>%?\w+)\s+)?(?<operation>[a-z][\w.]*)\s*(?<operands>.*)$", RegexOptions.Singleline)]
    private static partial Regex Parts();

    [GeneratedRegex(@"[^,{\[]*(\{[^}]*\}|\[[^\]]*\])|[^,{\[]+")]
    private static partial Regex Operand();

    [GeneratedRegex(@"^\[?\s*(?<base>[%\w]+)\s*(\+\s*(?<offset>-?\d+))?\s*\]?$")]
    private static partial Regex Place();
}
