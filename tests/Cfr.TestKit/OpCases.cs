using System.Reflection;

namespace Cfr.TestKit;

/// <summary>
/// All cases: what the classes in <c>Cases/</c> offer as <c>static IEnumerable&lt;OpCase&gt; All</c>.
/// </summary>
public static class OpCases
{
    /// <summary>Every case, family by family.</summary>
    public static IReadOnlyList<OpCase> All { get; } =
    [
        .. typeof(OpCases).Assembly.GetTypes()
            .Where(type => type.Namespace == "Cfr.TestKit.Cases")
            .OrderBy(type => type.Name, StringComparer.Ordinal)
            .Select(type => type.GetProperty("All", BindingFlags.Static | BindingFlags.Public))
            .OfType<PropertyInfo>()
            .SelectMany(property => (IEnumerable<OpCase>)property.GetValue(null)!),
    ];

    /// <summary>The case that prints as <paramref name="name"/>.</summary>
    public static OpCase Named(string name) => All.Single(one => one.ToString() == name);
}
