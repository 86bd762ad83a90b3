using Cfr.Kernels;
using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class AttentionCases
{
    public static IEnumerable<OpCase> All =>
    [
        Self(1, [1], 1, 1), Self(2, [5], 3, 4), Self(1, [17], 2, 16), Self(1, [100], 1, 20), Self(3, [2, 3], 2, 7),
        Self(1, [1, 1], 1, 3, positions: true), Self(2, [3, 5], 2, 8, positions: true), Self(1, [7, 4], 1, 5, positions: true),
        Self(1, [14, 14], 1, 4, positions: true), Self(17, [2, 2], 1, 3, positions: true), Self(1, [5, 61], 1, 2, positions: true),
        Cross(1, 1, 1, 1, 1), Cross(2, 3, 7, 2, 5), Cross(1, 1, 40, 2, 16), Cross(1, 40, 1, 1, 8), Cross(1, 7, 33, 3, 80),
        Cross(1, 2, 310, 1, 3), Cross(17, 2, 3, 1, 4),
        Windows(1, (3, 4), 2, 2, 3), Windows(2, (5, 7), 3, 2, 8), Windows(1, (4, 6), 2, 1, 5),
        Windows(2, (2, 3), 4, 1, 4), Windows(2, (5, 4), 3, 2, 3, positions: false), Windows(1, (1, 11), 4, 1, 20),
        // Large enough for tensor cores: a GPU's check takes them, with their gradients.
        Self(1, [3, 64], 2, 64, positions: true) with { BenchmarkOnly = true },
        Self(2, [14, 14], 2, 60, positions: true) with { BenchmarkOnly = true },
        Cross(1, 200, 300, 2, 100) with { BenchmarkOnly = true },
        Windows(2, (17, 23), 14, 2, 64) with { BenchmarkOnly = true },
        Windows(1, (20, 18), 18, 1, 80) with { BenchmarkOnly = true },
        Self(1, [64, 64], 12, 64, positions: true) with
        {
            Name = "4096 tokens, 12 heads of 64, relative positions", BenchmarkOnly = true,
        },
        Self(25, [14, 14], 12, 64, positions: true) with
        {
            Name = "25 windows of 196 tokens, 12 heads of 64, relative positions", BenchmarkOnly = true,
        },
        Windows(1, (64, 64), 14, 12, 64) with
        {
            Name = "64x64 tokens in windows of 14x14, 12 heads of 64, relative positions", BenchmarkOnly = true,
        },
        Cross(1, 7, 4096, 8, 16) with { Name = "7 to 4096 tokens, 8 heads of 16", BenchmarkOnly = true },
        Cross(1, 4096, 7, 8, 16) with { Name = "4096 to 7 tokens, 8 heads of 16", BenchmarkOnly = true },
    ];

    static OpCase Self(int batch, Shape grid, int heads, int headWidth, bool positions = false)
    {
        int tokens = (int)grid.Count, channels = heads * headWidth;
        var shape = new AttentionShape(
            batch, heads, tokens, tokens, headWidth, 1 / MathF.Sqrt(headWidth), positions ? grid[0] : 0, positions ? grid[1] : 0);
        List<Input> inputs = [new("qkv", [batch, .. grid, 3 * channels])];
        if (positions)
        {
            // On a grid of one row or column the table has no say, as with a single key below.
            inputs.Add(new Input("height", [2 * grid[0] - 1, headWidth], Differentiated: grid[0] > 1));
            inputs.Add(new Input("width", [2 * grid[1] - 1, headWidth], Differentiated: grid[1] > 1));
        }
        var packed = new Tokens(default, 3 * channels, 3L * channels * tokens);
        return new OpCase(
            "attention", $"self, batch {batch}, tokens {grid}, {heads} x {headWidth}{(positions ? ", relative positions" : "")}",
            [.. inputs], x => x[0].SelfAttention(heads, x.ElementAtOrDefault(1), x.ElementAtOrDefault(2)),
            x =>
            {
                double[] y = new double[batch * tokens * channels];
                AttentionNaive.Forward<double>(
                    shape, packed, x[0], packed, x[0].AsSpan(channels), packed, x[0].AsSpan(2 * channels),
                    x.ElementAtOrDefault(1), x.ElementAtOrDefault(2), Dense(tokens, channels), y, []);
                return y;
            },
            Terms: Math.Max(tokens * (positions ? batch * heads : 1), headWidth))
        {
            Flop = shape.Flop,
        };
    }

    static OpCase Windows(
        int batch, (int Height, int Width) image, int window, int heads, int headWidth, bool positions = true)
    {
        int channels = heads * headWidth, area = window * window;
        var shape = new AttentionShape(
            batch, heads, area, area, headWidth, 1 / MathF.Sqrt(headWidth), window, window,
            new TokenImage(image.Height, image.Width));
        shape = shape with { Batch = batch * shape.WindowsDown * shape.WindowsAcross };
        List<Input> inputs =
            [new("qkv", [batch, image.Height, image.Width, 3 * channels]), new("outside", [3 * channels])];
        if (positions)
        {
            inputs.Add(new Input("height", [2 * window - 1, headWidth]));
            inputs.Add(new Input("width", [2 * window - 1, headWidth]));
        }
        return new OpCase(
            "attention",
            $"batch {batch}, {image.Height} x {image.Width} in windows of {window}, {heads} x {headWidth}{(positions ? ", relative positions" : "")}",
            [.. inputs],
            x => x[0].SelfAttention(heads, x.ElementAtOrDefault(2), x.ElementAtOrDefault(3), window, x[1]),
            x =>
            {
                double[] y = new double[batch * image.Height * image.Width * channels];
                WindowAttentionNaive.Forward<double>(
                    shape, Part(x[0], 0), Part(x[0], 1), Part(x[0], 2), x[1].AsSpan(channels, channels),
                    x[1].AsSpan(2 * channels), x.ElementAtOrDefault(2), x.ElementAtOrDefault(3), y, []);
                return y;
            },
            Terms: Math.Max(area * shape.Batch * heads, headWidth))
        {
            Flop = shape.Flop,
        };

        double[] Part(double[] qkv, int index) =>
            [.. qkv.Chunk(channels).Where((_, row) => row % 3 == index).SelectMany(row => row)];
    }

    static OpCase Cross(int batch, int queries, int keys, int heads, int headWidth)
    {
        int channels = heads * headWidth;
        var shape = new AttentionShape(batch, heads, queries, keys, headWidth, 1 / MathF.Sqrt(headWidth));
        // A single key has probability 1: the gradients of q and k are 0, and a relative tolerance allows no rounding there.
        bool chooses = keys > 1;
        return new OpCase(
            "attention", $"cross, batch {batch}, {queries} to {keys}, {heads} x {headWidth}",
            [
                new Input("q", [batch, queries, channels], Differentiated: chooses),
                new Input("k", [batch, keys, channels], Differentiated: chooses), new Input("v", [batch, keys, channels]),
            ],
            x => x[0].Attention(x[1], x[2], heads),
            x =>
            {
                double[] y = new double[batch * queries * channels];
                AttentionNaive.Forward<double>(
                    shape, Dense(queries, channels), x[0], Dense(keys, channels), x[1], Dense(keys, channels), x[2], [], [],
                    Dense(queries, channels), y, []);
                return y;
            },
            Terms: Math.Max(Math.Max(queries, keys), headWidth))
        {
            Flop = shape.Flop,
        };
    }

    static Tokens Dense(int tokens, int channels) => new(default, channels, (long)tokens * channels);
}
