using System.Reflection;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// All kernels: what static fields of the classes under <c>Cuda/</c> hold, alone or in a collection.
/// </summary>
static class KernelCatalog
{
    /// <summary>Every kernel, by name.</summary>
    public static IReadOnlyList<Kernel> All { get; } =
    [
        .. typeof(Kernel).Assembly.GetTypes()
            .Where(type => type != typeof(KernelCatalog) && !type.ContainsGenericParameters
                && type.Namespace?.StartsWith(typeof(Kernel).Namespace!) == true)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(field => !field.IsLiteral)
            .SelectMany(field => typeof(Kernel).IsAssignableFrom(field.FieldType)
                ? [(Kernel)field.GetValue(null)!]
                : typeof(IEnumerable<Kernel>).IsAssignableFrom(field.FieldType)
                    ? (IEnumerable<Kernel>)field.GetValue(null)!
                    : [])
            .Distinct()
            .OrderBy(kernel => kernel.Name, StringComparer.Ordinal),
    ];

    /// <summary>The kernel of this name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Kernel Named(string name) =>
        All.FirstOrDefault(kernel => kernel.Name == name)
        ?? throw new ArgumentException($"there is no kernel '{name}'; `cfr kernels` lists them");
}
