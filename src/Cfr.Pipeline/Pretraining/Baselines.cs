namespace Cfr.Pipeline.Pretraining;

/// <summary>What can be done with a prompt without having learnt anything: what a model must beat.</summary>
static class Baselines
{
    /// <summary>How far a pixel's grey may be from that of the point, in deviations of the picture.</summary>
    const float Tolerance = 0.5f;

    /// <summary>Everything in the box.</summary>
    public static bool[] FilledBox(int size, ReadOnlySpan<float> box)
    {
        bool[] mask = new bool[size * size];
        for (int y = (int)MathF.Round(box[1]); y <= (int)MathF.Round(box[3]); y++)
            for (int x = (int)MathF.Round(box[0]); x <= (int)MathF.Round(box[2]); x++) mask[y * size + x] = true;
        return mask;
    }

    /// <summary>
    /// The pixels of the box on one side of the threshold that tells its greys apart best (Otsu 1979): the side on which there is more of
    /// the box's inner half.
    /// </summary>
    public static bool[] Threshold(Drawing drawing, ReadOnlySpan<float> box)
    {
        int size = drawing.Size;
        bool[] within = FilledBox(size, box), mask = new bool[within.Length];
        int[] pixels = [.. Enumerable.Range(0, within.Length).Where(i => within[i])];
        float[] greys = [.. pixels.Select(i => Grey(drawing, i))];
        float threshold = Otsu(greys);
        float centreX = (box[0] + box[2]) / 2, centreY = (box[1] + box[3]) / 2;
        float quarterX = (box[2] - box[0]) / 4, quarterY = (box[3] - box[1]) / 4;
        int votes = 0;
        for (int i = 0; i < pixels.Length; i++)
        {
            bool isInner = MathF.Abs(pixels[i] % size - centreX) <= quarterX && MathF.Abs(pixels[i] / size - centreY) <= quarterY;
            if (isInner) votes += greys[i] > threshold ? 1 : -1;
        }
        for (int i = 0; i < pixels.Length; i++) mask[pixels[i]] = greys[i] > threshold == votes > 0;
        return mask;
    }

    /// <summary>All that is connected with the point and about as grey as its neighbourhood of three by three pixels.</summary>
    public static bool[] Flood(Drawing drawing, ReadOnlySpan<float> point)
    {
        int size = drawing.Size, startX = (int)point[0], startY = (int)point[1];
        float sum = 0;
        int count = 0;
        for (int y = Math.Max(0, startY - 1); y <= Math.Min(size - 1, startY + 1); y++)
            for (int x = Math.Max(0, startX - 1); x <= Math.Min(size - 1, startX + 1); x++)
                (sum, count) = (sum + Grey(drawing, y * size + x), count + 1);
        float grey = sum / count;
        bool[] mask = new bool[size * size];
        var open = new Stack<int>([startY * size + startX]);
        mask[startY * size + startX] = true;
        while (open.TryPop(out int at))
        {
            if (at % size > 0) Visit(at - 1);
            if (at % size < size - 1) Visit(at + 1);
            if (at >= size) Visit(at - size);
            if (at < size * (size - 1)) Visit(at + size);
        }
        return mask;

        void Visit(int at)
        {
            if (mask[at] || MathF.Abs(Grey(drawing, at) - grey) > Tolerance) return;
            mask[at] = true;
            open.Push(at);
        }
    }

    /// <summary>The threshold between the sorted greys that makes the deviation between both sides largest.</summary>
    static float Otsu(float[] greys)
    {
        float[] sorted = [.. greys.Order()];
        double all = sorted.Sum(grey => (double)grey), below = 0, best = -1;
        float threshold = sorted[^1];
        for (int i = 0; i + 1 < sorted.Length; i++)
        {
            below += sorted[i];
            double left = i + 1, right = sorted.Length - left;
            double between = below / left - (all - below) / right, spread = left * right * between * between;
            if (spread > best) (best, threshold) = (spread, (sorted[i] + sorted[i + 1]) / 2);
        }
        return threshold;
    }

    static float Grey(Drawing drawing, int pixel) =>
        (drawing.Pixels[3 * pixel] + drawing.Pixels[3 * pixel + 1] + drawing.Pixels[3 * pixel + 2]) / 3;
}
