using System.Text;
using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Writes out what inline PTX says of a warp group's sums (<c>Ptx.AddProduct</c>). They are registers in sets, half
/// as many of a set as its product has columns; sets, columns and the like are constants of the C#.
/// <code>
///   warpgroup.clear columns, set                             sets them to 0
///   warpgroup.multiply columns, set, turns, alo, ahi, blo, bhi   wgmma over two descriptors; bit 0 (1) of turns is set if
///                                                                A (B) lies turned
///   warpgroup.multiplyrows columns, set, turns, a0, a1, a2, a3, blo, bhi      with A in registers
///   warpgroup.put columns, set, i, x, y, z, w                sets the four of columns 8 i on
///   warpgroup.get columns, set, i, x, y, z, w                reads them
///   warpgroup.store columns, set, begin, inRow               to shared memory, rows of so many floats, permuted by
///                                                            Swizzle.Sums
/// </code>
/// </summary>
static partial class WarpgroupSums
{
    /// <exception cref="KernelException">What should be a constant is none.</exception>
    public static string Apply(string kernel, string ptx)
    {
        ILookup<string, Match>? copies = null;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        string expanded = Line().Replace(ptx, match =>
        {
            copies ??= Copy().Matches(ptx).ToLookup(copy => copy.Groups["to"].Value);
            string[] operands = match.Groups["operands"].Value.Split(',', StringSplitOptions.TrimEntries);
            int columns = Constant(operands[0]), set = Constant(operands[1]);
            string[] sums = [.. Enumerable.Range(0, columns / 2).Select(i => $"sum{set}x{i}")];
            names.UnionWith(sums);
            return match.Groups["what"].Value switch
            {
                "clear" => string.Concat(sums.Select(sum => $"\tmov.f32\t{sum}, 0f00000000;\n")),
                "multiply" => Multiply(columns, sums, Constant(operands[2]), operands[3..]),
                "multiplyrows" => MultiplyRows(columns, sums, Constant(operands[2]), operands[3..]),
                "put" => Moves(operands[3..], sums[(4 * Constant(operands[2]))..]),
                "get" => Moves(sums[(4 * Constant(operands[2]))..], operands[3..]),
                "store" => Store(columns, sums, operands[2], operands[3]),
                _ => throw new KernelException($"kernel {kernel}: `{match.Value.Trim()}` is unknown"),
            };

            // What was moved there last: a slot of inline PTX is cleared before it is set.
            int Constant(string operand)
            {
                string value = operand;
                int at = match.Index;
                while (copies[value].LastOrDefault(copy => copy.Index < at) is { } copy)
                    (value, at) = (copy.Groups["from"].Value, copy.Index);
                return int.TryParse(value, out int number)
                    ? number
                    : throw new KernelException($"kernel {kernel}: {operand} of a warp group's sums is no constant");
            }
        });
        if (names.Count == 0) return ptx;
        string declared = $"\t.reg .f32\t{string.Join(", ", names)};\n$0";
        return AtomAlignment().Replace(FirstRegister().Replace(expanded, declared, 1), "$1 1024 $2");
    }

    static string Multiply(int columns, string[] sums, int turns, string[] descriptors) => $$"""
        	{
        	.reg .b64 ofA, ofB;
        	.reg .pred adds;
        	mov.b64	ofA, {{{descriptors[0]}},{{descriptors[1]}}};
        	mov.b64	ofB, {{{descriptors[2]}},{{descriptors[3]}}};
        	mov.pred	adds, 1;
        	wgmma.mma_async.sync.aligned.m64n{{columns}}k16.f32.bf16.bf16 {{{string.Join(',', sums)}}}, ofA, ofB, adds, 1, 1, {{turns & 1}}, {{turns >> 1}};
        	}

        """;

    static string MultiplyRows(int columns, string[] sums, int turns, string[] operands) => $$"""
        	{
        	.reg .b64 ofB;
        	.reg .pred adds;
        	mov.b64	ofB, {{{operands[4]}},{{operands[5]}}};
        	mov.pred	adds, 1;
        	wgmma.mma_async.sync.aligned.m64n{{columns}}k16.f32.bf16.bf16 {{{string.Join(',', sums)}}}, {{{string.Join(',', operands[..4])}}}, ofB, adds, 1, 1, {{turns >> 1}};
        	}

        """;

    static string Moves(string[] from, string[] to) =>
        string.Concat(Enumerable.Range(0, 4).Select(i => $"\tmov.f32\t{to[i]}, {from[i]};\n"));

    static string Store(int columns, string[] sums, string begin, string inRow)
    {
        const int RunBytes = 32, RunsOfPermutation = 8, RowsApart = 8;
        var text = new StringBuilder("\t{\n\t.reg .u32 place;\n");
        for (int run = 0; run < RunsOfPermutation; run++)
        {
            text.Append($"\txor.b32\tplace, {inRow}, {run * RunBytes};\n\tadd.u32\tplace, place, {begin};\n");
            for (int i = run; i < columns / 8; i += RunsOfPermutation)
            {
                int further = i / RunsOfPermutation * RunsOfPermutation * RunBytes, below = RowsApart * columns * sizeof(float);
                text.Append($"\tst.shared.v2.f32\t[place+{further}], {{{sums[4 * i]},{sums[4 * i + 1]}}};\n");
                text.Append($"\tst.shared.v2.f32\t[place+{further + below}], {{{sums[4 * i + 2]},{sums[4 * i + 3]}}};\n");
            }
        }
        return text.Append("\t}\n").ToString();
    }

    [GeneratedRegex(@"^\s*warpgroup\.(?<what>\w+)(?<operands>[^;\n]*);\n", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"^\s*mov\.\w+\s+(?<to>%\w+), (?<from>%?\w+);", RegexOptions.Multiline)]
    private static partial Regex Copy();

    [GeneratedRegex(@"^\s*\.reg ", RegexOptions.Multiline)]
    private static partial Regex FirstRegister();

    /// <summary>Tensor cores permute by bits of the address.</summary>
    [GeneratedRegex(@"(\.shared \.align) \d+ (\.b8 __dyn_shared_alloca)")]
    private static partial Regex AtomAlignment();
}
