using Cfr.Kernels;
using Cfr.Pipeline.Doctor;
using Cfr.Tensors;
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

    [Theory, InlineData(Precision.TF32), InlineData(Precision.BFloat16)]
    public void A_coarser_precision_is_allowed_its_own_rounding(Precision precision)
    {
        Finding[] found = [.. SelfTest.Run("emulated", () => Device.Open("emulated", precision), precision)];
        Assert.All(found, each => Assert.Equal(Health.Fine, each.Health));
    }

    [Fact]
    public void Every_large_op_runs_on_a_device_and_on_the_processor()
    {
        using Device processor = Device.Open("cpu");
        Finding[] found = [.. SelfTest.Run("cpu", () => Device.Open("cpu"), beside: processor)];
        Assert.Equal(5 + LargeWorkTest.Ops.Length, found.Length);
        Assert.All(found, each => Assert.Equal(Health.Fine, each.Health));
    }

    [Theory, InlineData(Precision.BFloat16, Health.Fine), InlineData(Precision.Float32, Health.Failed)]
    public void An_error_beyond_a_precision_is_found_beside_the_processor(Precision allowed, Health want)
    {
        using Device processor = Device.Open("cpu"), device = Device.Open("emulated", Precision.BFloat16).AsForLargeWork();
        var small = new LargeWorkTest.LargeOp("small matmul", [[20, 33], [33, 17]], x => x[0].Matmul(x[1]));
        Assert.Equal(want, LargeWorkTest.Check("emulated", device, processor, allowed, small).Health);
    }

    [Fact]
    public void The_doctor_examines_one_device_where_one_is_named()
    {
        string[] names = [.. Examination.Run("cpu").Select(found => found.Name.Split(' ')[0])];
        Assert.Contains("cpu", names);
        Assert.DoesNotContain("emulated", names);
    }

    [Fact]
    public void A_single_wrong_element_and_a_NaN_are_over_the_tolerance()
    {
        Assert.Equal(0, SelfTest.Difference([1, -4, 2], [1, -4, 2]));
        Assert.Equal(0.25, SelfTest.Difference([1, -4, 3], [1, -4, 2]));
        Assert.True(SelfTest.Difference([1, -4, 2.0001f], [1, -4, 2]) > SelfTest.Tolerance);
        Assert.Equal(double.PositiveInfinity, SelfTest.Difference([1, float.NaN, 2], [1, -4, 2]));
        Assert.Equal(double.PositiveInfinity, SelfTest.Difference([1, -4], [1, -4, 2]));
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
