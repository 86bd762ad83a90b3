using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class WindowCases
{
    public static IEnumerable<OpCase> All =>
    [
        Partition([1, 1, 1, 1], 1), Partition([2, 6, 4, 3], 2), Partition([2, 7, 5, 3], 3), Partition([1, 6, 5, 4], 3),
        Partition([1, 2, 3, 5], 4), Partition([1, 5, 6, 17], 3), Partition([0, 4, 4, 2], 2),
        Unpartition([1, 1, 1, 1], 1), Unpartition([2, 6, 4, 3], 2), Unpartition([2, 7, 5, 3], 3), Unpartition([1, 2, 3, 5], 4),
        Unpartition([1, 5, 6, 17], 3),
        Partition([1, 64, 64, 768], 14) with { Name = "64x64 tokens of 768 into windows of 14x14", BenchmarkOnly = true },
        Unpartition([1, 64, 64, 768], 14) with { Name = "64x64 tokens of 768 from windows of 14x14", BenchmarkOnly = true },
    ];

    static OpCase Partition(Shape image, int window) => new(
        "windows", $"of {window} out of {image}", [new("x", image)],
        x => x[0].WindowPartition(window),
        x =>
        {
            double[] y = new double[Windows(image, window).Count];
            ForEachToken(image, window, (inImage, inWindows, c) => y[inWindows + c] = x[0][inImage + c]);
            return y;
        });

    static OpCase Unpartition(Shape image, int window) => new(
        "windows", $"of {window} into {image}", [new("x", Windows(image, window))],
        x => x[0].WindowUnpartition(image[1], image[2]),
        x =>
        {
            double[] y = new double[image.Count];
            ForEachToken(image, window, (inImage, inWindows, c) => y[inImage + c] = x[0][inWindows + c]);
            return y;
        });

    static Shape Windows(Shape image, int window) =>
        [image[0] * Along(image[1], window) * Along(image[2], window), window, window, image[3]];

    static int Along(int size, int window) => (size + window - 1) / window;

    /// <summary>Where each channel of each token lies in the image and in its window.</summary>
    static void ForEachToken(Shape image, int window, Action<int, int, int> visit)
    {
        int down = Along(image[1], window), across = Along(image[2], window);
        for (int n = 0; n < image[0]; n++)
            for (int y = 0; y < image[1]; y++)
                for (int x = 0; x < image[2]; x++)
                {
                    int at = ((n * down + y / window) * across + x / window) * window * window + y % window * window + x % window;
                    for (int c = 0; c < image[3]; c++) visit(((n * image[1] + y) * image[2] + x) * image[3], at * image[3], c);
                }
    }
}
