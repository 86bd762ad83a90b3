using System.CommandLine;
using Cfr.Cli.Commands;

var root = new RootCommand("CFR: a tensor engine in C#, and segmentation of 3D medical images on it.")
{
    DemoCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (ArgumentException error)
{
    Console.Error.WriteLine($"cfr: {error.Message}");
    return 1;
}
