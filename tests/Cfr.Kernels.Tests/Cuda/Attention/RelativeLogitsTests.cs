using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

public sealed class RelativeLogitsTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 3, 5, 2, 3)]
    [InlineData(14, 14, 8, 1, 4)]
    [InlineData(3, 70, 4, 1, 2)]
    [InlineData(70, 9, 11, 1, 1)]
    [InlineData(1, 64, 80, 1, 1)]
    public void They_are_products_of_queries_and_rows_of_the_tables(
        int gridHeight, int gridWidth, int headWidth, int batch, int heads)
    {
        int tokens = gridHeight * gridWidth, channels = heads * headWidth;
        var shape = new AttentionShape(batch, heads, tokens, tokens, headWidth, 1, gridHeight, gridWidth);
        float[] q = Numbers.Draw((long)batch * tokens * channels, 1);
        float[] height = Numbers.Draw((2L * gridHeight - 1) * headWidth, 2);
        float[] width = Numbers.Draw((2L * gridWidth - 1) * headWidth, 3);
        double[] wantHeight = new double[batch * heads * tokens * gridHeight];
        double[] wantWidth = new double[batch * heads * tokens * gridWidth];
        for (int row = 0; row < batch * heads * tokens; row++)
        {
            int token = row % tokens, head = row / tokens % heads, b = row / tokens / heads;
            ReadOnlySpan<float> query = q.AsSpan((b * tokens + token) * channels + head * headWidth, headWidth);
            int y = token / gridWidth, x = token % gridWidth;
            for (int ky = 0; ky < gridHeight; ky++)
                wantHeight[row * gridHeight + ky] = Dot(query, height.AsSpan((y - ky + gridHeight - 1) * headWidth));
            for (int kx = 0; kx < gridWidth; kx++)
                wantWidth[row * gridWidth + kx] = Dot(query, width.AsSpan((x - kx + gridWidth - 1) * headWidth));
        }

        using var operands = new Operands(_device);
        var rows = new Tokens(operands.Unaligned(q), channels, (long)channels * tokens);
        var tables = new RelativePositions(operands.Of(height), operands.Of(width));
        _device.Pool.Lending = (address, bytes) => _device.FillBytes(address, bytes, 0xFF);
        var (ofHeight, ofWidth) = RelativeLogits.Compute(_device, shape, rows, tables);
        Numbers.AssertClose(wantHeight, Read(ofHeight!, wantHeight.Length), 1e-6, 1e-5);
        Numbers.AssertClose(wantWidth, Read(ofWidth!, wantWidth.Length), 1e-6, 1e-5);

        float[] Read(DeviceBuffer buffer, int count)
        {
            float[] values = operands.Floats(new View(buffer.Address, count, DType.Float32));
            buffer.Release();
            return values;
        }

        static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
        {
            double sum = 0;
            for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
            return sum;
        }
    }
}
