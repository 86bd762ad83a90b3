using System.Text.RegularExpressions;

namespace Cfr.TestKit.Ptx;

/// <summary>
/// A kernel's PTX, parsed. Shared memory is numbered from 0: first what has a fixed size, then the dynamic part.
/// </summary>
sealed partial class PtxKernel
{
    const string DynamicShared = "__dyn_shared_alloca";

    readonly Dictionary<string, int> _registers = [];
    readonly Dictionary<string, int> _labels = [];
    readonly Dictionary<string, string[]> _targets = [];
    readonly Dictionary<string, ulong> _shared = [];

    /// <summary>Registers of inline PTX, whose names begin with no percent sign.</summary>
    readonly HashSet<string> _bare = [];
    string _parameter = "";

    PtxKernel()
    {
    }

    public string Name { get; private set; } = "";

    public PtxInstruction[] Code { get; private set; } = [];

    public int Registers => _registers.Count;

    public int StaticSharedBytes { get; private set; }

    public static PtxKernel Parse(string ptx)
    {
        ptx = Comment().Replace(ptx, "");
        Match entry = Entry().Match(ptx);
        var kernel = new PtxKernel { Name = entry.Groups["name"].Value, _parameter = entry.Groups["parameter"].Value };
        foreach (Match array in SharedArray().Matches(ptx)) kernel.Reserve(array);
        kernel.StaticSharedBytes = (kernel.StaticSharedBytes + 15) / 16 * 16;
        kernel._shared[DynamicShared] = (ulong)kernel.StaticSharedBytes;
        List<string> statements = kernel.Statements(ptx[(ptx.IndexOf('{', entry.Index) + 1)..]);
        kernel.Code = [.. statements.Select(kernel.Instruction)];
        return kernel;
    }

    void Reserve(Match array)
    {
        int alignment = int.Parse(array.Groups["alignment"].Value);
        int at = (StaticSharedBytes + alignment - 1) / alignment * alignment;
        _shared[array.Groups["name"].Value] = (ulong)at;
        StaticSharedBytes = at + int.Parse(array.Groups["bytes"].Value);
    }

    /// <summary>The instructions; labels and names are noted on the way.</summary>
    List<string> Statements(string body)
    {
        var statements = new List<string>();
        int begin = 0;
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] is not (';' or ':') || body[i] == ':' && (body[i - 1] == ':' || body[i + 1] == ':')) continue;
            string statement = body[begin..i].Trim().TrimStart('{', '}', ' ', '\t', '\r', '\n');
            begin = i + 1;
            if (body[i] == ':')
                _labels[statement] = statements.Count;
            else if (statement.StartsWith(".reg"))
                _bare.UnionWith(Names(statement).Where(name => !name.StartsWith('%')));
            else if (statement.StartsWith(".branchtargets"))
                foreach (var (label, _) in _labels.Where(label => label.Value == statements.Count))
                    _targets[label] = Names(statement);
            else if (!statement.StartsWith('.'))
                statements.Add(statement);
        }
        return statements;
    }

    /// <summary>The names behind a directive (and its type).</summary>
    static string[] Names(string directive) =>
        [.. Directive().Replace(directive, "").Split(',').Select(name => name.Trim())];

    int Register(string name)
    {
        if (!_registers.TryGetValue(name, out int number)) _registers.Add(name, number = _registers.Count);
        return number;
    }

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\.entry\s+(?<name>\w+)\s*\(\s*\.param\s+\.align\s+\d+\s+\.b8\s+(?<parameter>\w+)\[\d+\]")]
    private static partial Regex Entry();

    [GeneratedRegex(@"(?<!\.extern\s)\.shared\s+\.align\s+(?<alignment>\d+)\s+\.b8\s+(?<name>\w+)\[(?<bytes>\d+)\]")]
    private static partial Regex SharedArray();

    [GeneratedRegex(@"^\.(reg\s+\.\w+|branchtargets)\s+")]
    private static partial Regex Directive();
}
