using System.Text.RegularExpressions;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Drops what never runs. Wherever a kernel wraps an instruction, ILGPU leaves a branch on a constant between it and
/// its emulation; in a kernel with 64 of them that is half of the text, and the assembler's time goes with it. Blocks
/// that no jump leads to go, functions that nobody calls, and the generic addresses that were made for them.
/// </summary>
static partial class ReachableCode
{
    public static string Apply(string ptx)
    {
        ptx = Body().Replace(ptx, body => WithoutDeadBlocks(body.Value));
        var bodies = Definition().Matches(ptx).ToDictionary(match => match.Groups["name"].Value, match => match.Value);
        var called = new HashSet<string>();
        Follow(Entry().Match(ptx).Value);
        ptx = Function().Replace(ptx, match => called.Contains(match.Groups["name"].Value) ? match.Value : "");
        return Conversion().Replace(
            ptx, match => Regex.Count(ptx, $@"{match.Groups["result"].Value}\b") > 1 ? match.Value : "");

        void Follow(string code)
        {
            foreach (Match call in Call().Matches(code))
                if (called.Add(call.Groups["name"].Value)) Follow(bodies[call.Groups["name"].Value]);
        }
    }

    static string WithoutDeadBlocks(string body)
    {
        var blocks = new List<Block> { new(null) };
        bool isOpen = true;
        string? alwaysTrue = null;
        foreach (string line in body.Split('\n'))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                blocks[^1].FallsThrough = isOpen;
                blocks.Add(new Block(label.Groups["name"].Value));
                isOpen = true;
            }
            if (!isOpen) continue;
            Match jump = Jump().Match(line);
            bool isCertain = jump.Success
                && (!jump.Groups["guard"].Success || jump.Groups["guard"].Value == alwaysTrue);
            blocks[^1].Lines.Add(isCertain ? $"\tbra.uni\t{jump.Groups["target"].Value};" : line);
            isOpen = !isCertain;
            alwaysTrue = TruePredicate().Match(line) is { Success: true } truth ? truth.Groups["name"].Value : null;
        }

        var byName = blocks.Where(block => block.Name is not null).ToDictionary(block => block.Name!);
        var toVisit = new Stack<int>([0]);
        while (toVisit.TryPop(out int index))
        {
            Block block = blocks[index];
            if (block.IsReached) continue;
            block.IsReached = true;
            if (block.FallsThrough) toVisit.Push(index + 1);
            foreach (Match target in block.Lines.SelectMany(line => Target().Matches(line)))
                if (byName.TryGetValue(target.Value, out Block? named)) toVisit.Push(blocks.IndexOf(named));
        }
        return string.Join('\n', blocks.Where(block => block.IsReached).SelectMany(block => block.Lines));
    }

    sealed class Block(string? name)
    {
        public string? Name { get; } = name;

        public List<string> Lines { get; } = [];

        public bool FallsThrough { get; set; }

        public bool IsReached { get; set; }
    }

    [GeneratedRegex(@"(?<=^\{\n)[\s\S]*?(?=^\})", RegexOptions.Multiline)]
    private static partial Regex Body();

    [GeneratedRegex(@"\.entry [\s\S]*?^\}", RegexOptions.Multiline)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^\.visible \.func [^;{]*?(?<name>\w+)\([^;{]*\)\s*\{[\s\S]*?^\}", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^\.visible \.func [^;{]*?(?<name>\w+)\([^;{]*\)\s*(;|\{[\s\S]*?^\})", RegexOptions.Multiline)]
    private static partial Regex Function();

    [GeneratedRegex(@"call(\.uni)?\s+(\(\w+\), )?(?<name>\w+)")]
    private static partial Regex Call();

    [GeneratedRegex(@"^\s*(?<name>L_\d+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s*(@(?<guard>%p\d+)\s+)?bra(\.uni)?\s+(?<target>L_\d+);")]
    private static partial Regex Jump();

    [GeneratedRegex(@"^\s*mov\.pred\s+(?<name>%p\d+), 1;")]
    private static partial Regex TruePredicate();

    [GeneratedRegex(@"^\s*cvta\S*\s+(?<result>%rd\d+), [^\n]*\n", RegexOptions.Multiline)]
    private static partial Regex Conversion();

    [GeneratedRegex(@"\bL_\d+\b")]
    private static partial Regex Target();
}
