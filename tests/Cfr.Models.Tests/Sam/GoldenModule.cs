using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>
/// A part of SAM with the weights <c>w/..</c> of a reference file, and its gradients <c>grad/..</c>; in a file of
/// several cases these names, and those that are asked for, come after the case's: <c>full/w/..</c>.
/// </summary>
sealed class GoldenModule<TModule> : IDisposable where TModule : Module
{
    readonly Device _device = Device.Open("cpu");
    readonly string _case;

    public GoldenModule(string file, Func<Weights, TModule> create, string part = "")
    {
        _case = part;
        File = new GoldenFile($"sam/{file}.safetensors");
        Session = new Session(_device);
        Module = create(new Weights(Session));
        string start = $"{_case}w/";
        string[] stored = [.. File.Names.Where(name => name.StartsWith(start)).Select(name => name[start.Length..])];
        Assert.Equal(stored.Order(), Module.Weights.All.Select(weight => weight.Name).Order());
        foreach (Weight weight in Module.Weights.All)
        {
            Assert.Equal(File.Shape($"{_case}w/{weight.Name}"), weight.FileShape);
            weight.SetAsInFile([.. File.Values($"{_case}w/{weight.Name}").Select(value => (float)value)]);
        }
    }

    public GoldenFile File { get; }

    public Session Session { get; }

    public TModule Module { get; }

    public void Dispose()
    {
        File.Dispose();
        _device.Dispose();
    }

    /// <summary>As in the original program, where only what trains has a gradient.</summary>
    public void FreezeWhatHasNoGradient()
    {
        foreach (Weight weight in Module.Weights.Parameters)
            weight.Tensor.WithGrad(File.Has($"{_case}grad/{weight.Name}"));
    }

    public Tensor Tensor(string name) => File.Tensor(Session, _case + name);

    public Tensor Image(string name) => File.Tensor(Session, _case + name, GoldenLayout.ChannelsLast);

    /// <summary>Of an image [N, g, g, D], its places as tokens [N, L, D].</summary>
    public Tensor Places(string name) => Image(name) is var image ? image.Reshape(image.Size(0), -1, image.Size(3)) : null!;

    public void AssertEqual(string name, Tensor? got, double tolerance) =>
        File.AssertEqual(_case + name, got, tolerance);

    public void AssertImage(string name, Tensor? got, double tolerance) =>
        File.AssertEqual(_case + name, got, tolerance, GoldenLayout.ChannelsLast);

    /// <summary>
    /// Gradients of all weights in the file. A bias of keys shifts all logits of a row alike, which softmax does not
    /// see: its gradient is 0 but for rounding, below 1e-5 of the largest.
    /// </summary>
    public void AssertGradients(double tolerance) => AssertGradients(_ => tolerance);

    /// <summary>The same with a tolerance for each weight.</summary>
    public void AssertGradients(Func<string, double> tolerance)
    {
        string start = $"{_case}grad/";
        double largest = File.Names.Where(name => name.StartsWith(start)).Max(name => File.Values(name).Max(Math.Abs));
        foreach (Weight weight in Module.Weights.Parameters)
        {
            if (!File.Has(start + weight.Name))
            {
                Assert.Null(weight.Tensor.Grad);
                continue;
            }
            Tensor gradient = weight.Tensor.Grad ?? throw new CheckException($"{weight.Name} has no gradient");
            bool isOfKeys = weight.Name.EndsWith("k_proj.bias") || weight.Name.EndsWith(".k.bias");
            double absolute = isOfKeys ? 1e-5 * largest : 0;
            Tensor there = Session.Tensor(weight.AsInFile(gradient), weight.FileShape);
            File.AssertEqual(start + weight.Name, there, tolerance(weight.Name), absolute: absolute);
        }
    }
}
