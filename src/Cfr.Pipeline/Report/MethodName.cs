namespace Cfr.Pipeline.Report;

/// <summary>What a method is to the question that a run answers, in the order in which methods are shown.</summary>
public enum MethodRole
{
    /// <summary>Supervised training on the labelled cases alone: what is to be beaten.</summary>
    Baseline,

    /// <summary>Semi-supervised training without SAM.</summary>
    SemiSupervised,

    /// <summary>The fine-tuned SAM itself.</summary>
    FineTuned,

    /// <summary>Re-training with SAM's pseudo-labels.</summary>
    Retrained,

    /// <summary>Supervised training with all labels: what could be reached.</summary>
    UpperBound,
}

/// <summary>A method by the name of its folder.</summary>
/// <param name="Id">Name of its folder and its files.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Role">What it is to the question.</param>
public sealed record MethodName(string Id, string Title, MethodRole Role)
{
    const string Prefix = "cfr-";

    static readonly Dictionary<string, string> Short = new()
    {
        ["mean-teacher"] = "MT",
        ["uncertainty-aware-mean-teacher"] = "UA-MT",
        ["ua-mt"] = "UA-MT",
        ["acmt"] = "ACMT",
        ["self-training"] = "ST",
        ["magicnet"] = "MagicNet",
        ["magic-net"] = "MagicNet",
    };

    /// <summary>Of a folder's name.</summary>
    public static MethodName Of(string id) => id switch
    {
        "supervised" => new(id, "Supervised", MethodRole.Baseline),
        "upper-bound" => new(id, "Upper bound", MethodRole.UpperBound),
        "cfr-ft" => new(id, "CFR-FT", MethodRole.FineTuned),
        _ when id.StartsWith(Prefix) => new(id, $"CFR-{Abbreviated(id[Prefix.Length..])}", MethodRole.Retrained),
        _ => new(id, Abbreviated(id), MethodRole.SemiSupervised),
    };

    /// <summary>The same semi-supervised method without SAM: <c>mean-teacher</c> of <c>cfr-mean-teacher</c>.</summary>
    public string? Counterpart => Role == MethodRole.Retrained ? Id[Prefix.Length..] : null;

    /// <summary>What it is, in a few words.</summary>
    public string Meaning => Role switch
    {
        MethodRole.Baseline => "the labelled cases alone",
        MethodRole.SemiSupervised => "the unlabelled cases too, without SAM",
        MethodRole.FineTuned => "the fine-tuned SAM itself",
        MethodRole.Retrained => "re-trained with SAM's pseudo-labels",
        _ => "supervised, with all labels",
    };

    /// <summary>Whether a row of the paper's tables is of this method.</summary>
    internal bool IsInPaperAs(string method) => Role switch
    {
        MethodRole.Baseline => method.EndsWith("(LB)"),
        MethodRole.UpperBound => method.EndsWith("(UB)"),
        _ => Plain(method) == Plain(Title),
    };

    static string Abbreviated(string id) => Short.GetValueOrDefault(id, id);

    static string Plain(string name) => name.Replace("_", "").Replace("-", "").ToUpperInvariant();
}
