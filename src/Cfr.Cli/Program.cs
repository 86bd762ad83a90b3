using System.CommandLine;
using Cfr.Cli.Commands;

var root = new RootCommand("CFR: a tensor engine in C#, and segmentation of 3D medical images on it.")
{
    DemoCommand.Create(),
};
return root.Parse(args).Invoke();
