using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Driver;
using Cfr.Kernels.Profiling;

namespace Cfr.Driver.Tests;

/// <summary>What a profile learns of a GPU; in the stand-in a millisecond lies between any two events.</summary>
[Collection("driver")]
public sealed class CudaProfileTests : IDisposable
{
    readonly string _cache = Directory.CreateTempSubdirectory("cfr-cache").FullName;
    readonly Profiler _profiler = new();

    public CudaProfileTests()
    {
        StandIn.Reset();
        Environment.SetEnvironmentVariable("CFR_CACHE", _cache);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("CFR_CACHE", null);
        Directory.Delete(_cache, recursive: true);
    }

    [Fact]
    public void Launches_are_timed_by_events_that_are_read_when_the_device_has_passed_them()
    {
        int before = StandIn.Events;
        using (var device = new ProfiledDevice(new CudaDevice(), _profiler))
        {
            View x = View(device, 8);
            StandIn.Set("fall_behind", 1);
            for (int i = 0; i < 3; i++) device.ElementWise.Unary(UnaryOp.Relu, x, x);
            Assert.Empty(Assert.Single(_profiler.Rows(bySizes: false)).Kernels);
            device.Synchronize();
            Assert.Equal(
                new KernelTime("relu", 3, 3e-3), Assert.Single(Assert.Single(_profiler.Rows(bySizes: false)).Kernels), Same);
            TimelineEntry[] entries = [.. _profiler.Timeline.Entries.Where(entry => entry.OnDevice)];
            Assert.Equal(2e-3, entries[1].Start - entries[0].Start, 9);
        }
        Assert.Equal(before, StandIn.Events);
    }

    [Fact]
    public void What_nobody_waited_for_is_in_the_profile_when_the_device_goes()
    {
        using (var device = new ProfiledDevice(new CudaDevice(), _profiler))
        {
            View x = View(device, 8);
            StandIn.Set("fall_behind", 1);
            for (int i = 0; i < 3000; i++) device.ElementWise.Unary(UnaryOp.Relu, x, x);
        }
        Assert.Equal(3000, Assert.Single(Assert.Single(_profiler.Rows(bySizes: false)).Kernels).Launches);
    }

    [Fact]
    public void A_replay_of_a_graph_is_one_row_with_the_cost_of_what_was_recorded()
    {
        using var device = new ProfiledDevice(new CudaDevice(), _profiler);
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        using LaunchGraph graph = device.Capture(() =>
        {
            device.ElementWise.Unary(UnaryOp.Relu, x, x);
            device.ElementWise.Affine(x, 2, 0, x);
        });
        graph.Replay();
        graph.Replay();
        device.Synchronize();
        Assert.Equal(
            [("graph replay", "2 launches", 2L, 2 * 128.0, 2e-3), ("relu forward", "8", 1L, 64.0, 1e-3)],
            _profiler.Rows(bySizes: true).OrderBy(row => row.Name)
                .Select(row => (row.Name, row.Sizes, row.Calls, row.Bytes, Math.Round(row.Seconds, 9))));
    }

    [Fact]
    public void A_wait_for_fetched_numbers_is_a_wait_of_the_host()
    {
        using var device = new ProfiledDevice(new CudaDevice(), _profiler);
        View x = View(device, 8);
        StandIn.Set("fall_behind", 1);
        Arrival first = device.Fetch(x), second = device.Fetch(x);
        Assert.False(first.IsThere);
        first.Wait();
        second.Wait();
        Assert.Equal((2L, 2L), (_profiler.Host["fetch"].Calls, _profiler.Host["wait"].Calls));
        Assert.Equal(2, _profiler.Timeline.Entries.Count(entry => entry.Name == "wait"));
    }

    [Fact]
    public void A_device_without_memory_for_the_roofline_is_watched_without_one()
    {
        using var device = new CudaDevice();
        StandIn.SetMemory(100 << 20);
        _profiler.Measure(device);
        Assert.Null(_profiler.Roofline);
        Assert.Contains("no memory for a buffer of 64.0 MiB", _profiler.NoRoofline);
        Assert.Equal((0L, 0L), (device.Pool.BytesInUse, device.Pool.ReservedBytes));
        _profiler.Measure(new EmulatedDevice());
        Assert.Null(_profiler.NoRoofline);
    }

    [Fact]
    public void Ranges_have_names_where_nvtx_is_installed()
    {
        Assert.Null(Nvtx.Load("libno-such-library.so.1", "libm.so.6"));
        Nvtx nvtx = Nvtx.Load("libno-such-library.so.1", CudaDriver.Substitute!)!;
        nvtx.Push("attention forward");
        nvtx.Push("attention_output");
        nvtx.Pop();
        nvtx.Pop();
        Assert.Equal("attention forward(attention_output())", StandIn.Ranges);
    }

    static bool Same(KernelTime a, KernelTime b) =>
        (a.Name, a.Launches) == (b.Name, b.Launches) && Math.Abs(a.Seconds - b.Seconds) < 1e-9;

    static View View(Device device, long count) => new(device.Allocate(DType.Float32, count).Address, count, DType.Float32);
}
