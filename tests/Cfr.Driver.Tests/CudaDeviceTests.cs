using System.Runtime.InteropServices;
using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Cuda.Compile;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.Driver.Tests;

/// <summary>The runtime over the driver: what it asks for, and what it makes of refusals.</summary>
[Collection("driver")]
public sealed class CudaDeviceTests : IDisposable
{
    readonly string _cache = Directory.CreateTempSubdirectory("cfr-cache").FullName;

    public CudaDeviceTests()
    {
        StandIn.Reset();
        Environment.SetEnvironmentVariable("CFR_CACHE", _cache);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("CFR_CACHE", null);
        Directory.Delete(_cache, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_000_003)]
    [InlineData(3 << 20)]
    public void What_goes_up_comes_down(int count)
    {
        using var device = new CudaDevice();
        float[] values = [.. Enumerable.Range(0, count).Select(i => i * 0.5f)], back = new float[count];
        DeviceBuffer buffer = device.Allocate(DType.Float32, count);
        var view = new View(buffer.Address, count, DType.Float32);
        device.Upload<float>(values, view);
        device.Download(view, back.AsSpan());
        Assert.Equal(values, back);
        buffer.Release();
    }

    [Fact]
    public void A_launch_passes_the_arguments_as_they_are()
    {
        using var device = new CudaDevice();
        var (x, y) = (View(device, 1000), View(device, 1000));
        device.ElementWise.Affine(x, 2.5f, -1, y);
        var arguments = new MapArguments { X = x.Address, Y = y.Address, Packets = 250, Count = 1000, P = 2.5f, Q = -1 };
        string bytes = Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<MapArguments>(in arguments)));
        Assert.Equal([$"affine 1,1,1 256 0 {bytes}"], StandIn.Launches);
    }

    [Fact]
    public void Large_work_fills_the_device_and_no_more()
    {
        using var device = new CudaDevice();
        View x = View(device, 1 << 22);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        Assert.StartsWith("relu 32,1,1 256 0", StandIn.Launches[0]);
    }

    [Fact]
    public void A_kernel_is_assembled_once_and_then_read_from_the_cache()
    {
        Relu();
        Assert.Equal(1, StandIn.Links);
        Relu();
        Assert.Equal(1, StandIn.Links);
        Assert.Equal(4, StandIn.Launches.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(-1)]
    public void A_damaged_cache_entry_is_made_anew(int damage)
    {
        Relu();
        string entry = Assert.Single(Directory.GetFiles(_cache));
        byte[] bytes = File.ReadAllBytes(entry);
        if (damage < 0) bytes = bytes[..20];
        else bytes[damage] ^= 1;
        File.WriteAllBytes(entry, bytes);
        Relu();
        Relu();
        Assert.Equal(2, StandIn.Links);
    }

    [Fact]
    public void Another_generation_of_GPUs_has_cache_entries_of_its_own()
    {
        Relu();
        StandIn.Set("capability", 8, 6);
        Relu();
        Assert.Equal(2, StandIn.Links);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_only_time()
    {
        Environment.SetEnvironmentVariable("CFR_CACHE", Path.Combine(_cache, "file", "folder"));
        File.WriteAllText(Path.Combine(_cache, "file"), "in the way");
        Relu();
        Relu();
        Assert.Equal(2, StandIn.Links);
    }

    [Fact]
    public void Warp_groups_multiply_on_hopper_if_its_driver_takes_them()
    {
        Assert.True(HasWarpgroups());
        StandIn.Reject("probe");
        Assert.False(HasWarpgroups());
        StandIn.Reject("");
        StandIn.Set("capability", 10, 0);
        Assert.False(HasWarpgroups());

        static bool HasWarpgroups()
        {
            using var device = new CudaDevice(0, Precision.BFloat16);
            return device.HasWarpgroups;
        }
    }

    [Fact]
    public void A_rejected_kernel_leaves_its_text_and_the_drivers_log()
    {
        StandIn.Reject("relu");
        var error = Assert.Throws<KernelException>(Relu);
        Assert.Contains("kernel relu", error.Message);
        Assert.Contains("ptxas: line 6; fatal: stand-in refusal `.target sm_90`", error.Message);
        string ptx = Path.Combine(_cache, "rejected", "relu.ptx"), log = Path.Combine(_cache, "rejected", "relu.log");
        Assert.Contains(ptx, error.Message);
        Assert.Contains(log, error.Message);
        Assert.Contains(".entry relu(", File.ReadAllText(ptx));
        Assert.Contains("stand-in refusal", File.ReadAllText(log));
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_launch_that_is_refused_names_the_kernel()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        StandIn.Set("fail_launch", 701);
        var error = Assert.Throws<CudaException>(() => device.ElementWise.Unary(UnaryOp.Gelu, x, x));
        Assert.StartsWith("kernel gelu on a grid of 1x1x1 blocks: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", error.Message);
    }

    [Fact]
    public void A_fault_that_shows_late_names_the_kernels_launched_last()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Gelu, x, x);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        StandIn.Set("fail_wait", 700);
        string message = Assert.Throws<CudaException>(device.Synchronize).Message;
        Assert.Contains("newest first: relu, gelu", message);
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", message);
    }

    [Fact]
    public void A_fault_inside_a_replayed_graph_names_the_graphs_kernels()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Gelu, x, x);
        using LaunchGraph graph = device.Capture(() =>
        {
            device.ElementWise.Affine(x, 2, 0, x);
            device.ElementWise.Unary(UnaryOp.Relu, x, x);
        });
        StandIn.Set("fail_wait", 700);
        Assert.Contains("newest first: gelu (CUDA", Assert.Throws<CudaException>(device.Synchronize).Message);
        graph.Replay();
        device.ElementWise.Unary(UnaryOp.Gelu, x, x);
        StandIn.Set("fail_wait", 700);
        Assert.Contains(
            "newest first: gelu, (a replayed graph of 2 launches, the last of them relu, affine), gelu (CUDA",
            Assert.Throws<CudaException>(device.Synchronize).Message);
    }

    [Fact]
    public void A_graph_that_cannot_be_made_leaves_the_device_and_the_pool_as_they_were()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        long inUse = device.Pool.BytesInUse;
        StandIn.Set("fail_instantiate", 701);
        Assert.StartsWith(
            "a graph of launches: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
            Assert.Throws<CudaException>(() => device.Capture(() =>
            {
                DeviceBuffer buffer = device.Allocate(DType.Float32, 1000);
                device.ElementWise.Unary(UnaryOp.Relu, x, x);
                buffer.Release();
            })).Message);
        Assert.Equal(inUse, device.Pool.BytesInUse);
        device.Synchronize();
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        Assert.Single(StandIn.Launches);
    }

    [Fact]
    public void A_launch_is_not_blamed_for_the_fault_of_an_earlier_one()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Gelu, x, x);
        StandIn.Set("fail_launch", 700);
        string message = Assert.Throws<CudaException>(() => device.ElementWise.Unary(UnaryOp.Relu, x, x)).Message;
        Assert.StartsWith("a kernel on cuda:0 failed; launched last, newest first: relu, gelu", message);
    }

    [Fact]
    public void A_buffer_that_outlives_its_device_harms_nobody()
    {
        DeviceBuffer kept;
        using (var device = new CudaDevice()) kept = device.Allocate(DType.Float32, 1000);
        using var next = new CudaDevice();
        DeviceBuffer other = next.Allocate(DType.Float32, 1000);
        kept.Release();
        float[] values = [.. Enumerable.Range(0, 1000).Select(i => (float)i)], back = new float[1000];
        var view = new View(other.Address, 1000, DType.Float32);
        next.Upload<float>(values, view);
        next.Download(view, back.AsSpan());
        Assert.Equal(values, back);
        Assert.Equal(0, StandIn.WrongFrees);
    }

    [Fact]
    public void A_capture_that_cannot_begin_leaves_the_pool_as_it_was()
    {
        using var device = new CudaDevice();
        StandIn.Set("fail_capture", 1);
        Assert.Throws<CudaException>(() => device.Capture(() => { }));
        DeviceBuffer buffer = device.Allocate(DType.Float32, 1000);
        nint address = buffer.Address;
        buffer.Release();
        LaunchGraph graph = device.Capture(() => { });
        graph.Dispose();
        Assert.Equal(address, device.Allocate(DType.Float32, 1000).Address);
    }

    [Fact]
    public void Out_of_memory_names_the_request_and_the_pools_state_and_harms_nothing()
    {
        using var device = new CudaDevice();
        StandIn.SetMemory(8 << 20);
        DeviceBuffer held = device.Allocate(DType.Float32, 1 << 20);
        string message = Assert.Throws<OutOfMemoryException>(() => device.Allocate(DType.Float32, 4 << 20)).Message;
        Assert.Contains("16.0 MiB", message);
        Assert.Contains("1 buffers in use hold 4.0 MiB", message);
        Assert.Contains("cuda:0 has 4 of", message);
        held.Release();
        device.Allocate(DType.Float32, 2 << 20).Release();
    }

    [Fact]
    public void Idle_memory_is_given_up_before_a_request_fails()
    {
        using var device = new CudaDevice();
        StandIn.SetMemory(8 << 20);
        device.Allocate(DType.Float32, 1 << 20).Release();
        device.Allocate(DType.Float32, 2 << 20).Release();
    }

    [Fact]
    public void A_graph_records_launches_without_running_them_and_replays_them_in_order()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        using LaunchGraph graph = device.Capture(() =>
        {
            device.ElementWise.Unary(UnaryOp.Relu, x, x);
            device.ElementWise.Affine(x, 2, 0, x);
        });
        Assert.Single(StandIn.Launches);
        graph.Replay();
        graph.Replay();
        Assert.Equal(["relu", "relu", "affine", "relu", "affine"], StandIn.Launches.Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void Memory_of_a_graph_is_lent_to_nobody_else_while_the_graph_lives()
    {
        using var device = new CudaDevice();
        nint inside = 0;
        LaunchGraph graph = device.Capture(() =>
        {
            DeviceBuffer buffer = device.Allocate(DType.Float32, 1000);
            inside = buffer.Address;
            buffer.Release();
            DeviceBuffer again = device.Allocate(DType.Float32, 1000);
            Assert.Equal(inside, again.Address);
            again.Release();
        });
        DeviceBuffer outside = device.Allocate(DType.Float32, 1000);
        Assert.NotEqual(inside, outside.Address);
        graph.Dispose();
        Assert.Equal(inside, device.Allocate(DType.Float32, 1000).Address);
    }

    [Fact]
    public void Copies_and_waits_inside_a_capture_are_refused_and_the_device_stays_usable()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        Assert.Throws<InvalidOperationException>(() => device.Capture(() => device.Upload<float>([1], x)));
        Assert.Throws<InvalidOperationException>(() => device.Capture(device.Synchronize));
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        Assert.Single(StandIn.Launches);
    }

    [Fact]
    public void Fetched_numbers_arrive_in_any_order_and_their_memory_is_used_again()
    {
        using var device = new CudaDevice();
        View x = View(device, 3), y = View(device, 2);
        device.Upload<float>([1, 2, 3], x);
        device.Upload<float>([4, 5], y);
        StandIn.Set("fall_behind", 1);
        Arrival first = device.Fetch(x), second = device.Fetch(y);
        Assert.False(first.IsThere);
        StandIn.Set("fall_behind", 0);
        Assert.True(first.IsThere);
        Assert.Equal([4, 5], second.Wait());
        device.Upload<float>([6, 7], y);
        Assert.Equal([6, 7], device.Fetch(y).Wait());
        Assert.Equal([1, 2, 3], first.Wait());
    }

    [Fact]
    public void A_fault_of_a_kernel_shows_where_fetched_numbers_are_waited_for()
    {
        using var device = new CudaDevice();
        View x = View(device, 3);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        Arrival arrival = device.Fetch(x);
        StandIn.Set("fail_wait", 700);
        Assert.Contains("relu", Assert.Throws<CudaException>(arrival.Wait).Message);
        Assert.Throws<InvalidOperationException>(() => device.Capture(() => device.Fetch(x)));
    }

    [Fact]
    public void Idle_memory_of_the_pool_counts_as_free()
    {
        using var device = new CudaDevice();
        long free = device.FreeBytes!.Value;
        DeviceBuffer buffer = device.Allocate(DType.Float32, 1 << 20);
        Assert.Equal(free - (4 << 20), device.FreeBytes);
        buffer.Release();
        Assert.Equal(free, device.FreeBytes);
    }

    [Fact]
    public void A_warm_launch_makes_no_garbage()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) device.ElementWise.Unary(UnaryOp.Relu, x, x);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("version", 11040, "the CUDA driver knows CUDA 11.4; 11.8 or newer is needed")]
    [InlineData("start", 100, "the CUDA driver is there but sees no GPU")]
    [InlineData("start", 803, "the CUDA driver does not start: CUDA_ERROR_UNKNOWN")]
    [InlineData("devices", 0, "the CUDA driver sees no GPU")]
    public void What_is_missing_is_said(string what, int value, string message)
    {
        StandIn.Set(what, value);
        Assert.StartsWith(message, Assert.Throws<DeviceException>(() => new CudaDevice()).Message);
    }

    [Fact]
    public void A_GPU_that_is_too_old_is_named()
    {
        StandIn.Set("capability", 7, 5);
        string message = Assert.Throws<DeviceException>(() => new CudaDevice()).Message;
        Assert.Equal("cuda:0 (Stand-in GPU) cannot be used: its compute capability is 7.5; 8.0 or newer is needed", message);
    }

    [Fact]
    public void Devices_are_found_by_number()
    {
        StandIn.Set("devices", 2);
        using (Device second = Device.Open("cuda:1")) Assert.Equal("cuda:1", second.Name);
        string message = Assert.Throws<DeviceException>(() => Device.Open("cuda:2")).Message;
        Assert.Equal("there is no cuda:2; this machine has 2 GPU(s), from cuda:0", message);
    }

    static View View(Device device, int count) => new(device.Allocate(DType.Float32, count).Address, count, DType.Float32);

    static void Relu()
    {
        using var device = new CudaDevice();
        View x = View(device, 8);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
    }
}
