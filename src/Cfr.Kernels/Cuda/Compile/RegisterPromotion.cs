using System.Text;
using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Makes registers of the one-value slots in local memory that ILGPU keeps for every operand of inline PTX. ptxas does
/// so itself for a few, but in a kernel with <c>cp.async</c> it does so for none: 0 bytes of stack become 1,500.
/// A slot qualifies when its address is only ever the whole address of loads and stores of one type. One that does not
/// is an error: a kernel that runs from local memory is never what was meant.
/// </summary>
static partial class RegisterPromotion
{
    /// <exception cref="KernelException">Something stays in local memory.</exception>
    public static string Apply(string kernel, string ptx)
    {
        string[] lines = ptx.Split('\n');
        var slotOfRegister = new Dictionary<string, string>();
        foreach (string line in lines)
            if (SlotAddress().Match(line) is { Success: true } address)
                slotOfRegister[address.Groups["register"].Value] = address.Groups["slot"].Value;

        var typeOfSlot = new Dictionary<string, string>();
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            if (!line.Contains("%rd") || SlotAddress().IsMatch(line)) continue;
            Match access = Access().Match(line);
            foreach (Match use in WideRegister().Matches(line))
            {
                if (!slotOfRegister.TryGetValue(use.Value, out string? slot)) continue;
                bool whole = access.Success && access.Groups["address"].Value == use.Value
                    && access.Groups["value"].Value != use.Value;
                if (!whole) throw Stays(kernel, slot, i, line, "its address is used for more than loads and stores");
                string type = access.Groups["type"].Value;
                if (!typeOfSlot.TryAdd(slot, type) && typeOfSlot[slot] != type)
                    throw Stays(kernel, slot, i, line, $"it is accessed as {typeOfSlot[slot]} and as {type}");
            }
        }

        var output = new StringBuilder(ptx.Length);
        bool declared = false;
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            if (SlotDeclaration().IsMatch(line) || SlotAddress().IsMatch(line)) continue;
            if (!declared && line.TrimStart().StartsWith(".reg ", StringComparison.Ordinal))
            {
                foreach (var (slot, type) in typeOfSlot) output.Append($"\t.reg .{type}\t%{slot};\n");
                declared = true;
            }
            Match access = Access().Match(line);
            if (access.Success && slotOfRegister.TryGetValue(access.Groups["address"].Value, out string? accessed))
            {
                string value = access.Groups["value"].Value, type = access.Groups["type"].Value;
                line = access.Groups["op"].Value == "ld"
                    ? $"\tmov.{type}\t{value}, %{accessed};"
                    : $"\tmov.{type}\t%{accessed}, {value};";
            }
            if (line.Contains(".local", StringComparison.Ordinal))
                throw Stays(kernel, "a variable", i, line, "it is an array, or its address escapes");
            output.Append(line).Append('\n');
        }
        return output.ToString();
    }

    static KernelException Stays(string kernel, string slot, int line, string text, string reason) => new(
        $"kernel {kernel}: {slot} would stay in local memory, because {reason} (PTX line {line + 1}: {text.Trim()})");

    [GeneratedRegex(@"^\s*\.local\s.*\s(?<slot>__local_depot\d+)\[\d+\];")]
    private static partial Regex SlotDeclaration();

    [GeneratedRegex(@"^\s*mov\.b64\s+(?<register>%rd\d+), (?<slot>__local_depot\d+);")]
    private static partial Regex SlotAddress();

    [GeneratedRegex(@"^\s*(?:(?<op>ld)\.local\.(?<type>\w+)\s+(?<value>\S+), \[(?<address>%rd\d+)\]|(?<op>st)\.local\.(?<type>\w+)\s+\[(?<address>%rd\d+)\], (?<value>\S+));")]
    private static partial Regex Access();

    [GeneratedRegex(@"%rd\d+\b")]
    private static partial Regex WideRegister();
}
