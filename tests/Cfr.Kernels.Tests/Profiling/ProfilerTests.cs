using System.Text.Json;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Cuda;
using Cfr.Kernels.Profiling;

namespace Cfr.Kernels.Tests.Profiling;

public sealed class ProfilerTests
{
    readonly Profiler _profiler = new();

    [Fact]
    public void A_product_costs_what_its_formula_says()
    {
        using var device = new ProfiledDevice(new CpuDevice(threads: 1), _profiler);
        Matrix a = Dense(device, 5, 7), b = Dense(device, 7, 3), c = Dense(device, 5, 3);
        device.Matmul.Multiply(a, b, c);
        device.Matmul.Multiply(a, b, c, epilogue: new Epilogue(Empty(device, 3), Residual: Empty(device, 15)));
        ProfileRow row = Assert.Single(_profiler.Rows(bySizes: true));
        Assert.Equal(("matmul", "5x7x3", 2L), (row.Name, row.Sizes, row.Calls));
        Assert.Equal(2 * 2.0 * 5 * 7 * 3, row.Flop);
        Assert.Equal(4.0 * (2 * (35 + 21 + 15) + 3 + 15), row.Bytes);
        Assert.Empty(row.Kernels);
        Assert.InRange(row.Seconds, double.Epsilon, _profiler.Seconds);
    }

    [Fact]
    public void Attention_in_windows_costs_what_the_tokens_of_the_image_do()
    {
        const int Tokens = 3 * 5, Width = 4, Windows = 4, Area = 2 * 3;
        using var device = new ProfiledDevice(new CpuDevice(threads: 1), _profiler);
        var shape = new AttentionShape(Windows, 1, Area, Area, Width, 0.5f, 2, 3, new TokenImage(3, 5));
        var q = new Tokens(Empty(device, Tokens * Width), Width, Tokens * Width);
        Tokens k = q with { Outside = Empty(device, Width) };
        device.Attention.Forward(shape, q, k, k, default, q, default);
        device.Attention.Backward(
            shape, q, k, k, default, q, Empty(device, Windows * Area), q, q, k, k, default);
        ProfileRow[] rows = [.. _profiler.Rows(bySizes: false).OrderBy(row => row.Flop)];
        Assert.Equal([4.0 * Tokens * Area * Width, 10.0 * Tokens * Area * Width], rows.Select(row => row.Flop));
        Assert.Equal(
            [4.0 * (4 * Tokens * Width + 2 * Width), 4.0 * (8 * Tokens * Width + 4 * Width + Windows * Area)],
            rows.Select(row => row.Bytes));
    }

    [Fact]
    public void Sizes_are_added_up_unless_they_are_asked_for()
    {
        using var device = new ProfiledDevice(new CpuDevice(threads: 1), _profiler);
        View x = Empty(device, 100);
        foreach (int count in (int[])[10, 100, 10]) device.ElementWise.Fill(x.Slice(0, count), 1);
        Assert.Equal(
            [("10", 2L, 80.0), ("100", 1L, 400.0)],
            _profiler.Rows(bySizes: true).Select(row => (row.Sizes, row.Calls, row.Bytes)).OrderBy(row => row.Bytes));
        Assert.Equal(
            [("fill", "", 3L, 480.0)], _profiler.Rows(bySizes: false).Select(row => (row.Name, row.Sizes, row.Calls, row.Bytes)));
        _profiler.Forget();
        Assert.Empty(_profiler.Rows(bySizes: false));
    }

    [Fact]
    public void What_an_optimiser_changes_is_read_and_written()
    {
        using var device = new ProfiledDevice(new CpuDevice(threads: 1), _profiler);
        (View p, View g, View m) = (Empty(device, 10), Empty(device, 10), Empty(device, 10));
        device.Optimizers.Sgd(new SgdStep(0.1f, 0.9f, 0, true), [new SgdSlot(p, g, m)]);
        Assert.Equal(5 * 40.0, Assert.Single(_profiler.Rows(bySizes: false)).Bytes);
    }

    [Fact]
    public void The_kernels_that_a_call_launches_stand_below_it_and_are_its_time()
    {
        using var device = new ProfiledDevice(new EmulatedDevice(), _profiler);
        View x = Empty(device, 1000);
        device.ElementWise.Affine(x, 2, 1, x);
        device.ElementWise.Affine(x, 2, 1, x);
        ProfileRow row = Assert.Single(_profiler.Rows(bySizes: false));
        KernelTime kernel = Assert.Single(row.Kernels);
        Assert.Equal(("affine", 2L), (kernel.Name, kernel.Launches));
        Assert.Equal(row.Seconds, kernel.Seconds);
        Assert.Null(row.LeastSeconds);
        TimelineEntry[] launches = [.. _profiler.Timeline.Entries.Where(entry => entry.OnDevice)];
        TimelineEntry[] calls = [.. _profiler.Timeline.Entries.Where(entry => entry is { OnDevice: false, Name: "affine" })];
        Assert.Equal(2, launches.Length);
        Assert.All(launches.Zip(calls), pair => Assert.True(
            pair.First.Start >= pair.Second.Start
            && pair.First.Start + pair.First.Seconds <= pair.Second.Start + pair.Second.Seconds));
    }

    [Fact]
    public void A_device_that_is_no_longer_watched_tells_nobody()
    {
        var device = new EmulatedDevice();
        using (new ProfiledDevice(device, _profiler)) Assert.NotNull(device.Observer);
        Assert.Null(device.Observer);
    }

    [Fact]
    public void Work_takes_at_least_the_longer_of_computing_and_moving()
    {
        var roofline = new Roofline(FlopPerSecond: 100, BytesPerSecond: 10);
        Assert.Equal(2, roofline.LeastSeconds(flop: 200, bytes: 10));
        Assert.Equal(3, roofline.LeastSeconds(flop: 200, bytes: 30));
    }

    [Fact]
    public void A_graph_takes_at_least_the_sum_of_what_its_calls_take()
    {
        using var device = new CpuDevice(threads: 1);
        _profiler.Measure(device);
        using var launches = new LaunchProfiler(_profiler, new HostLaunchClock(_profiler));
        launches.BeginRecording();
        _profiler.Call("computes", "", flop: 1e12, bytes: 1).Dispose();
        _profiler.Call("moves", "", flop: 1, bytes: 1e12).Dispose();
        RecordedWork recorded = launches.EndRecording();
        launches.Replay(recorded, () => { });
        Roofline roofline = _profiler.Roofline!;
        ProfileRow replay = Assert.Single(_profiler.Rows(bySizes: false));
        Assert.Equal(roofline.LeastSeconds(1e12, 1) + roofline.LeastSeconds(1, 1e12), replay.LeastSeconds);
    }

    [Fact]
    public void A_processor_has_a_roofline_and_finding_it_leaves_nothing_behind()
    {
        using var device = new CpuDevice(threads: 1);
        _profiler.Measure(device);
        Assert.True(_profiler.Roofline is { FlopPerSecond: > 1e8, BytesPerSecond: > 1e7 });
        Assert.Equal((0L, 0L, 0L), (device.Pool.BytesInUse, device.Pool.ReservedBytes, device.Pool.PeakBytes));
        Assert.Empty(_profiler.Timeline.Entries);
    }

    [Fact]
    public void A_trace_has_a_track_of_the_host_and_one_of_the_device()
    {
        using var device = new ProfiledDevice(new EmulatedDevice(), _profiler);
        View x = Empty(device, 8);
        device.Upload<float>([1, 2, 3], x);
        device.ElementWise.Unary(UnaryOp.Relu, x, x);
        using var stream = new MemoryStream();
        _profiler.Timeline.Write(stream);
        JsonElement[] events = [.. JsonDocument.Parse(stream.ToArray()).RootElement.GetProperty("traceEvents").EnumerateArray()];
        Assert.Equal(
            [("host calls", 1), ("kernels", 2)],
            events.Where(one => Phase(one) == "M").Select(one => (one.GetProperty("args").GetProperty("name").GetString(), Track(one))));
        Assert.Equal(
            [("upload", 1), ("relu", 2), ("relu forward", 1)],
            events.Where(one => Phase(one) == "X").Select(one => (one.GetProperty("name").GetString(), Track(one))));
        Assert.Equal("relu forward", events.Single(one => Track(one) == 2 && Phase(one) == "X").GetProperty("args").GetProperty("call").GetString());

        static string? Phase(JsonElement one) => one.GetProperty("ph").GetString();

        static int Track(JsonElement one) => one.GetProperty("tid").GetInt32();
    }

    static View Empty(Device device, long count) => new(device.Allocate(DType.Float32, count).Address, count, DType.Float32);

    static Matrix Dense(Device device, int rows, int columns) => Matrix.Dense(Empty(device, rows * columns), rows, columns);
}
