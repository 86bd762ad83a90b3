namespace Cfr.Cli.Tests;

public class ProgressLinesTests
{
    [Fact]
    public void A_line_a_second_at_most_and_none_for_work_that_is_done_within_moments()
    {
        var clock = new Clock();
        var output = new StringWriter();
        var lines = new ProgressLines("reading", output, clock);
        foreach (double second in (double[])[0.5, 1.9, 2.0, 2.5, 2.9, 3.0, 3.1, 60])
        {
            clock.Seconds = second;
            lines.Tell((int)(second * 10), 800);
        }
        Assert.Equal(
        [
            "reading 20/800 (2 %), 1:18 left", "reading 30/800 (3 %), 1:17 left", "reading 600/800 (75 %), 0:20 left",
        ], output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void What_threads_tell_late_does_not_go_back()
    {
        var clock = new Clock { Seconds = 0 };
        var output = new StringWriter();
        var lines = new ProgressLines("reading", output, clock);
        lines.Tell(0, 10);
        lines.Tell(8, 10);
        clock.Seconds = 4;
        lines.Tell(7, 10);
        Assert.Equal("reading 8/10 (80 %), 0:01 left", output.ToString().Trim());
    }

    sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
