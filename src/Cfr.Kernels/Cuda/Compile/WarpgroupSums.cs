using System.Text;
using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Writes out what inline PTX says of a warp group's sums (<see cref="Ptx.AddProduct"/>), which are registers
/// <c>sum0</c>, <c>sum1</c>, ..: half as many as the product has columns.
/// <code>
///   warpgroup.clear.nN                              sets them to 0
///   warpgroup.multiply.nN.aT.bT alo, ahi, blo, bhi  wgmma over two descriptors; T = 1 for an operand that lies turned
///   warpgroup.store.nN begin, inRow                 to shared memory, rows of N floats, permuted by Swizzle.Sums
/// </code>
/// </summary>
static partial class WarpgroupSums
{
    public static string Apply(string ptx)
    {
        int sums = 0;
        string expanded = Line().Replace(ptx, match =>
        {
            int columns = int.Parse(match.Groups["columns"].Value);
            string[] operands = match.Groups["operands"].Value.Split(',', StringSplitOptions.TrimEntries);
            sums = columns / 2;
            return match.Groups["what"].Value switch
            {
                "clear" => string.Concat(Enumerable.Range(0, sums).Select(i => $"\tmov.f32\tsum{i}, 0f00000000;\n")),
                "multiply" => Multiply(columns, match.Groups["turns"].Value, operands),
                _ => Store(columns, operands[0], operands[1]),
            };
        });
        if (sums == 0) return ptx;
        string names = string.Join(", ", Enumerable.Range(0, sums).Select(i => $"sum{i}"));
        return AtomAlignment().Replace(FirstRegister().Replace(expanded, $"\t.reg .f32\t{names};\n$0", 1), "$1 1024 $2");
    }

    static string Multiply(int columns, string turns, string[] descriptors)
    {
        string sums = string.Join(',', Enumerable.Range(0, columns / 2).Select(i => $"sum{i}"));
        return $$"""
            	{
            	.reg .b64 ofA, ofB;
            	.reg .pred adds;
            	mov.b64	ofA, {{{descriptors[0]}},{{descriptors[1]}}};
            	mov.b64	ofB, {{{descriptors[2]}},{{descriptors[3]}}};
            	mov.pred	adds, 1;
            	wgmma.mma_async.sync.aligned.m64n{{columns}}k16.f32.bf16.bf16 {{{sums}}}, ofA, ofB, adds, 1, 1, {{turns[2]}}, {{turns[5]}};
            	}

            """;
    }

    static string Store(int columns, string begin, string inRow)
    {
        const int RunBytes = 32, RunsOfPermutation = 8, RowsApart = 8;
        var text = new StringBuilder("\t{\n\t.reg .u32 place;\n");
        for (int run = 0; run < RunsOfPermutation; run++)
        {
            text.Append($"\txor.b32\tplace, {inRow}, {run * RunBytes};\n\tadd.u32\tplace, place, {begin};\n");
            for (int i = run; i < columns / 8; i += RunsOfPermutation)
            {
                int further = i / RunsOfPermutation * RunsOfPermutation * RunBytes, below = RowsApart * columns * sizeof(float);
                text.Append($"\tst.shared.v2.f32\t[place+{further}], {{sum{4 * i},sum{4 * i + 1}}};\n");
                text.Append($"\tst.shared.v2.f32\t[place+{further + below}], {{sum{4 * i + 2},sum{4 * i + 3}}};\n");
            }
        }
        return text.Append("\t}\n").ToString();
    }

    [GeneratedRegex(@"^\s*warpgroup\.(?<what>\w+)\.n(?<columns>\d+)(?<turns>\.a\d\.b\d)?(?<operands>[^;\n]*);\n", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"^\s*\.reg ", RegexOptions.Multiline)]
    private static partial Regex FirstRegister();

    /// <summary>Tensor cores permute by bits of the address.</summary>
    [GeneratedRegex(@"(\.shared \.align) \d+ (\.b8 __dyn_shared_alloca)")]
    private static partial Regex AtomAlignment();
}
