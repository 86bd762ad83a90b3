using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors.Files;
using Cfr.TestKit;
using Normalization = Cfr.Pipeline.Datasets.Normalization;

namespace Cfr.Pipeline.Tests.Networks;

public sealed class NetworkNotesTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Notes_say_what_a_network_was_trained_on()
    {
        NetworkNotes notes = Read(new()
        {
            ["dataset"] = "la",
            ["classes"] = "background,left atrium",
            ["patch"] = "112x112x80",
            ["stride"] = "18x18x4",
            ["normalization"] = "none",
            ["orientation"] = "LPS",
        });
        Assert.Equal("la", notes.DataSet);
        Assert.Equal(["background", "left atrium"], notes.Classes);
        Assert.Equal(new GridSize(112, 112, 80), notes.Patch);
        Assert.Equal(new GridSize(18, 18, 4), notes.Stride);
        Assert.Equal(Normalization.None, notes.Normalization);
        Assert.Equal(Orientation.Parse("LPS"), notes.Orientation);
    }

    [Fact]
    public void A_file_may_have_none()
    {
        NetworkNotes notes = Read([]);
        Assert.Null(notes.DataSet);
        Assert.Empty(notes.Classes);
        Assert.Null(notes.Patch);
        Assert.Null(notes.Normalization);
        Assert.Null(notes.Orientation);
    }

    [Theory]
    [InlineData("patch", "112x112", "patch = '112x112'; expected three sizes")]
    [InlineData("stride", "1x0x1", "stride = '1x0x1'; expected three sizes")]
    [InlineData("normalization", "sometimes", "normalization = 'sometimes'; expected z-score or none")]
    [InlineData("orientation", "UP", "orientation 'UP'")]
    public void Notes_that_make_no_sense_are_named(string key, string value, string reason)
    {
        string message = Assert.Throws<BadDataException>(() => Read(new() { [key] = value })).Message;
        Assert.StartsWith(_folder.File("network.safetensors"), message);
        Assert.Contains(reason, message);
    }

    NetworkNotes Read(Dictionary<string, string> metadata)
    {
        string path = _folder.File("network.safetensors");
        SafetensorsFile.Write(path, [TensorToStore.Of<float>("a", [1], [1])], metadata);
        return NetworkNotes.Read(path);
    }
}
