using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>A part of SAM with the weights <c>w/..</c> of a reference file, and its gradients <c>grad/..</c>.</summary>
sealed class GoldenModule<TModule> : IDisposable where TModule : Module
{
    readonly Device _device = Device.Open("cpu");

    public GoldenModule(string file, Func<Weights, TModule> create)
    {
        File = new GoldenFile($"sam/{file}.safetensors");
        Session = new Session(_device);
        Module = create(new Weights(Session));
        string[] stored = [.. File.Names.Where(name => name.StartsWith("w/")).Select(name => name[2..])];
        Assert.Equal(stored.Order(), Module.Weights.All.Select(weight => weight.Name).Order());
        foreach (Weight weight in Module.Weights.All)
        {
            Assert.Equal(File.Shape($"w/{weight.Name}"), weight.FileShape);
            weight.SetAsInFile([.. File.Values($"w/{weight.Name}").Select(value => (float)value)]);
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

    public Tensor Tensor(string name) => File.Tensor(Session, name);

    public Tensor Image(string name) => File.Tensor(Session, name, GoldenLayout.ChannelsLast);

    /// <summary>Of an image [N, g, g, D], its places as tokens [N, L, D].</summary>
    public Tensor Places(string name) => Image(name) is var image ? image.Reshape(image.Size(0), -1, image.Size(3)) : null!;

    public void AssertImage(string name, Tensor? got, double tolerance) =>
        File.AssertEqual(name, got, tolerance, GoldenLayout.ChannelsLast);

    /// <summary>
    /// Gradients of all weights in the file. A bias of keys shifts all logits of a row alike, which softmax does not
    /// see: its gradient is 0 but for rounding, below 1e-5 of the largest.
    /// </summary>
    public void AssertGradients(double tolerance)
    {
        double largest = File.Names.Where(name => name.StartsWith("grad/")).Max(name => File.Values(name).Max(Math.Abs));
        foreach (Weight weight in Module.Weights.Parameters)
        {
            if (!File.Has($"grad/{weight.Name}"))
            {
                Assert.Null(weight.Tensor.Grad);
                continue;
            }
            Tensor gradient = weight.Tensor.Grad ?? throw new CheckException($"{weight.Name} has no gradient");
            double absolute = weight.Name.EndsWith("k_proj.bias") ? 1e-5 * largest : 0;
            Tensor there = Session.Tensor(weight.AsInFile(gradient), weight.FileShape);
            File.AssertEqual($"grad/{weight.Name}", there, tolerance, absolute: absolute);
        }
    }
}
