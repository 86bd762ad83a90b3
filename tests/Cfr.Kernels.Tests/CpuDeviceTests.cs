using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

public class CpuDeviceTests
{
    [Theory, InlineData("0"), InlineData("-1"), InlineData("two"), InlineData("1025"), InlineData("1.5")]
    public void A_wrong_number_of_threads_is_named(string text)
    {
        var error = Assert.Throws<ArgumentException>(() => CpuDevice.ThreadsWanted(text));
        Assert.Equal($"CFR_THREADS is '{text}'; expected a number of threads from 1 to 1024", error.Message);
    }

    [Fact]
    public void Threads_are_those_wanted_or_all_processors()
    {
        Assert.Equal(3, CpuDevice.ThreadsWanted("3"));
        Assert.Equal(Environment.ProcessorCount, CpuDevice.ThreadsWanted(null));
        Assert.Equal(Environment.ProcessorCount, CpuDevice.ThreadsWanted(""));
    }

    [Fact]
    public void An_unknown_device_is_named_with_those_that_exist()
    {
        var error = Assert.Throws<ArgumentException>(() => Device.Open("tpu"));
        Assert.Equal("there is no device 'tpu'; expected cpu, cuda, cuda:N or emulated", error.Message);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void Every_piece_of_work_runs_once(int threadCount)
    {
        using var threads = new Threads(threadCount);
        for (int round = 0; round < 200; round++)
        {
            int[] runs = new int[round];
            threads.For(runs.Length, piece => Interlocked.Increment(ref runs[piece]));
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Work_is_split_by_its_size_alone()
    {
        using Threads one = new(1), four = new(4);
        Assert.Equal(Pieces(one), Pieces(four));

        static (long, long)[] Pieces(Threads threads)
        {
            var seen = new System.Collections.Concurrent.ConcurrentBag<(long, long)>();
            threads.For(1001L, 64, (begin, end) => seen.Add((begin, end)));
            return [.. seen.Order()];
        }
    }

    [Fact]
    public void An_error_in_a_piece_reaches_the_caller_and_the_team_goes_on()
    {
        using var threads = new Threads(3);
        var error = Assert.Throws<InvalidOperationException>(
            () => threads.For(10, piece => { if (piece == 7) throw new InvalidOperationException("piece 7"); }));
        Assert.Equal("piece 7", error.Message);
        int done = 0;
        threads.For(10, _ => Interlocked.Increment(ref done));
        Assert.Equal(10, done);
    }
}
