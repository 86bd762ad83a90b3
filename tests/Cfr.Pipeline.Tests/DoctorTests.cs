using Cfr.Kernels;
using Cfr.Pipeline.Doctor;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests;

public class DoctorTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("emulated")]
    public void A_healthy_device_passes_every_test(string device)
    {
        Finding[] found = [.. SelfTest.Run(device, () => Device.Open(device))];
        Assert.Equal(5, found.Length);
        Assert.All(found, each => Assert.True(each is { Health: Health.Fine, Seconds: > 0 }, $"{each}"));
    }

    [Fact]
    public void A_device_that_computes_in_less_precision_fails_where_that_shows()
    {
        Finding[] found = [.. SelfTest.Run("bf16", () => Device.Open("emulated", Precision.BFloat16))];
        Assert.Equal(Health.Failed, found.Single(each => each.Name == "bf16 matmul").Health);
    }

    [Fact]
    public void A_device_that_does_not_open_is_one_failure() => Assert.Equal(
        [new Finding("cuda:7", Health.Failed, "gone")], SelfTest.Run("cuda:7", () => throw new DeviceException("gone")));

    [Fact]
    public void A_folder_that_cannot_be_written_and_one_that_is_not_there_are_notes()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("file", []);
        Assert.Equal(Health.Note, Examination.Cache(file).Health);
        Assert.Equal(new Finding("cache", Health.Fine, folder.File("new/cache")), Examination.Cache(folder.File("new/cache")));
        Assert.Empty(Directory.GetFiles(folder.File("new/cache")));
        Assert.Equal(Health.Note, Examination.Data(file).Health);
        Assert.Equal(Health.Fine, Examination.Data(folder.FullName).Health);
        Assert.Equal(Health.Fine, Examination.Data(null).Health);
    }
}
