using System.Numerics;

namespace Cfr.TestKit.Ptx;

/// <summary>What the lanes of a warp do together.</summary>
static unsafe class PtxWarp
{
    const int Size = 32;

    public static void Execute(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        switch (instruction.Kind)
        {
            case PtxKind.WarpBarrier:
                break;
            case PtxKind.Vote:
                Vote(instruction, lanes);
                break;
            case PtxKind.Shuffle:
                Shuffle(instruction, lanes);
                break;
            case PtxKind.LoadMatrix:
                LoadMatrix(instruction, Whole(instruction, lanes));
                break;
            case PtxKind.WarpgroupMma:
                MultiplyOfWarpgroup(instruction, Whole(instruction, lanes));
                break;
            default:
                Multiply(instruction, Whole(instruction, lanes));
                break;
        }
    }

    /// <summary>A warp of which no lane has left.</summary>
    static Span<PtxThread> Whole(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        foreach (PtxThread lane in lanes)
            if (lane.HasLeft) throw new InvalidOperationException($"a lane has left before `{instruction}`");
        return lanes.Length == Size ? lanes : throw new InvalidOperationException($"half a warp at `{instruction}`");
    }

    static void Vote(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        if (!instruction.Operation.Contains("ballot")) throw new NotSupportedException(instruction.Text);
        uint mask = 0;
        foreach (PtxThread lane in lanes)
            if (!lane.HasLeft && instruction.Operands[0](lane) != 0) mask |= 1u << lane.Lane;
        foreach (PtxThread lane in lanes) lane.Registers[instruction.Results[0]] = mask;
    }

    /// <summary>Operands: value, lane or distance, bound and segment, mask.</summary>
    static void Shuffle(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        Span<ulong> values = stackalloc ulong[Size];
        foreach (PtxThread lane in lanes) values[lane.Lane] = instruction.Operands[0](lane);
        foreach (PtxThread lane in lanes)
        {
            if (lane.HasLeft) continue;
            int by = (int)instruction.Operands[1](lane), bounds = (int)instruction.Operands[2](lane);
            int segment = bounds >> 8 & 31, first = lane.Lane & segment, last = first | bounds & 31 & ~segment;
            (int from, bool isInside) = instruction.Operation.Split('.')[2] switch
            {
                "bfly" => (lane.Lane ^ by, (lane.Lane ^ by) <= last),
                "down" => (lane.Lane + by, lane.Lane + by <= last),
                "up" => (lane.Lane - by, lane.Lane - by >= last),
                "idx" => (first | by & 31 & ~segment, (first | by & 31 & ~segment) <= last),
                _ => throw new NotSupportedException(instruction.Text),
            };
            if (isInside && lanes[from].HasLeft)
                throw new InvalidOperationException($"`{instruction}` asks a lane that has left");
            lane.Registers[instruction.Results[0]] = values[isInside ? from : lane.Lane];
        }
    }

    /// <summary>Lane 8 m + r names row r of matrix m; a lane gets two neighbours of each.</summary>
    static void LoadMatrix(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        bool turned = instruction.Operation.Contains(".trans");
        Span<nint> rows = stackalloc nint[Size];
        foreach (PtxThread lane in lanes)
            rows[lane.Lane] = (nint)lane.Block.Memory(".shared", instruction.Operands[0](lane), 16, instruction.Text);
        foreach (PtxThread lane in lanes)
        {
            int line = lane.Lane / 4, pair = lane.Lane % 4 * 2;
            for (int matrix = 0; matrix < instruction.Results.Length; matrix++)
            {
                int first = matrix * 8;
                uint low = turned ? ((ushort*)rows[first + pair])[line] : ((ushort*)rows[first + line])[pair];
                uint high = turned ? ((ushort*)rows[first + pair + 1])[line] : ((ushort*)rows[first + line])[pair + 1];
                lane.Registers[instruction.Results[matrix]] = low | high << 16;
            }
        }
    }

    /// <summary>
    /// <c>mma.sync</c> of 16 x 8 sums over 8 or 16 steps ("Matrix fragments for mma"); a register has two bfloat16 or one
    /// TF32. Sums are taken in double and rounded once.
    /// </summary>
    static void Multiply(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        bool areHalves = instruction.Operation.Contains("bf16");
        int steps = instruction.Operation.Contains("k16") ? 16 : 8, perRegister = areHalves ? 2 : 1;
        int ofA = steps * 16 / Size / perRegister, ofB = ofA / 2, stepsOfRegister = 4 * perRegister;
        double[,] a = new double[16, steps], b = new double[steps, 8];
        foreach (PtxThread lane in lanes)
        {
            int line = lane.Lane / 4, step = lane.Lane % 4 * perRegister;
            for (int i = 0; i < ofA; i++)
                for (int j = 0; j < perRegister; j++)
                    a[line + i % 2 * 8, step + i / 2 * stepsOfRegister + j] = Factor(instruction.Operands[i](lane), j);
            for (int i = 0; i < ofB; i++)
                for (int j = 0; j < perRegister; j++)
                    b[step + i * stepsOfRegister + j, line] = Factor(instruction.Operands[ofA + i](lane), j);
        }
        Span<ulong> sums = stackalloc ulong[4];
        foreach (PtxThread lane in lanes)
        {
            for (int i = 0; i < 4; i++)
            {
                int row = lane.Lane / 4 + i / 2 * 8, column = lane.Lane % 4 * 2 + i % 2;
                double sum = PtxType.Float(instruction.Operands[ofA + ofB + i](lane));
                for (int step = 0; step < steps; step++) sum += a[row, step] * b[step, column];
                sums[i] = PtxType.Bits((float)sum);
            }
            for (int i = 0; i < 4; i++) lane.Registers[instruction.Results[i]] = sums[i];
        }

        // Of a TF32 the lower 13 bits do not count.
        float Factor(ulong register, int half) => PtxType.Float(
            !areHalves ? register & 0xffffe000 : half == 0 ? register << 16 : register & 0xffff0000);
    }

    /// <summary>
    /// <c>wgmma</c> of bfloat16 over 16 steps. Operands: A, a descriptor or four registers, that of B, whether to add, two
    /// signs, and whether they lie turned. Done at once: what a kernel forgets to wait for is not seen.
    /// </summary>
    static void MultiplyOfWarpgroup(PtxInstruction instruction, Span<PtxThread> lanes)
    {
        const int Steps = 16, Lines = 16, OperandsOfRows = 9;
        PtxThread first = lanes[0];
        Func<PtxThread, ulong>[] operands = instruction.Operands;
        bool inRegisters = operands.Length == OperandsOfRows;
        int ofB = inRegisters ? 4 : 1, columns = instruction.Results.Length * 2;
        bool adds = operands[ofB + 1](first) != 0;
        double[] a = inRegisters ? Fragment(lanes) : Matrix(0, operands.Length - 2, first.Number / Size % 4 * Lines, Lines);
        double[] b = Matrix(ofB, operands.Length - 1, 0, columns);
        foreach (PtxThread lane in lanes)
        {
            for (int i = 0; i < instruction.Results.Length; i++)
            {
                int row = lane.Lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane.Lane % 4 * 2 + i % 2;
                double sum = adds ? PtxType.Float(lane.Registers[instruction.Results[i]]) : 0;
                for (int step = 0; step < Steps; step++) sum += a[row * Steps + step] * b[column * Steps + step];
                lane.Registers[instruction.Results[i]] = PtxType.Bits((float)sum);
            }
        }

        double[] Fragment(Span<PtxThread> lanes)
        {
            var matrix = new double[Lines * Steps];
            foreach (PtxThread lane in lanes)
            {
                for (int i = 0; i < 4; i++)
                {
                    int at = (lane.Lane / 4 + i % 2 * 8) * Steps + i / 2 * 8 + lane.Lane % 4 * 2;
                    ulong pair = operands[i](lane);
                    matrix[at] = PtxType.Float(pair << 16 & 0xffffffff);
                    matrix[at + 1] = PtxType.Float(pair & 0xffff0000);
                }
            }
            return matrix;
        }

        double[] Matrix(int operand, int turn, int line, int lines)
        {
            ulong descriptor = operands[operand](first);
            bool isTurned = operands[turn](first) != 0;
            var matrix = new double[lines * Steps];
            for (int i = 0; i < lines; i++)
                for (int step = 0; step < Steps; step++)
                {
                    ulong place = Place(descriptor, line + i, step, isTurned);
                    ushort half = *(ushort*)first.Block.Memory(".shared", place, sizeof(ushort), instruction.Text);
                    matrix[i * Steps + step] = PtxType.Float((ulong)half << 16);
                }
            return matrix;
        }
    }

    /// <summary>
    /// An element's place ("Shared memory matrix layout"): atoms of 8 lines and up to 128 bytes of steps, or turned, which
    /// the two distances of the descriptor put together, and a permutation of 16-byte chunks by bits of the address.
    /// </summary>
    static ulong Place(ulong descriptor, int line, int step, bool isTurned)
    {
        ulong begin = (descriptor & 0x3fff) << 4, leading = (descriptor >> 16 & 0x3fff) << 4;
        ulong stride = (descriptor >> 32 & 0x3fff) << 4;
        int atom = (descriptor >> 62) switch { 0 => 16, 1 => 128, 2 => 64, _ => 32 };
        // Of items without a permutation the leading distance leads along the steps either way.
        if (isTurned && atom == 16) (leading, stride) = (stride, leading);
        if (begin % 16 != 0 || (descriptor >> 49 & 7) != 0) throw new NotSupportedException($"descriptor {descriptor:x}");
        ulong at = isTurned
            ? begin + (ulong)(line * 2 / atom) * leading + (ulong)(step / 8) * stride + (ulong)(step % 8 * atom + line * 2 % atom)
            : begin + (ulong)(line / 8) * stride + (ulong)(step * 2 / atom) * leading + (ulong)(line % 8 * atom + step * 2 % atom);
        return at ^ (at >> 7 & (ulong)(atom / 16 - 1)) << 4;
    }
}
