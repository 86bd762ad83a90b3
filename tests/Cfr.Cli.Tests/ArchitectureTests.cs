using System.Reflection;

namespace Cfr.Cli.Tests;

public class ArchitectureTests
{
    /// <summary>Bottom to top; each may know those before it.</summary>
    static readonly string[] Floors = ["Cfr.Kernels", "Cfr.Tensors", "Cfr.Models", "Cfr.Pipeline", "cfr"];

    [Fact]
    public void Arrows_point_down()
    {
        for (int floor = 0; floor < Floors.Length; floor++)
        {
            string[] known = [.. Assembly.Load(Floors[floor]).GetReferencedAssemblies()
                .Select(reference => reference.Name!).Where(name => name.StartsWith("Cfr."))];
            Assert.All(known, name => Assert.Contains(name, Floors[..floor]));
        }
    }

    [Theory]
    [InlineData("Cfr.Kernels", "ILGPU")]
    [InlineData("Cfr.Tensors", "")]
    [InlineData("Cfr.Models", "")]
    public void The_engine_depends_on_nothing_but_the_runtime_and_the_gpu_compiler(string floor, string allowed)
    {
        Assert.All(
            Assembly.Load(floor).GetReferencedAssemblies().Select(reference => reference.Name!),
            name => Assert.True(
                name.StartsWith("System.") || name.StartsWith("Microsoft.Win32.") || name.StartsWith("Cfr.") || allowed != "" && name.StartsWith(allowed), name));
    }
}
