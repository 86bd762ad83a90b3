using System.Runtime.InteropServices;
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
        (double[] wantHeight, double[] wantWidth) = Want(shape, q, height, width);

        using var operands = new Operands(_device);
        var rows = new Tokens(operands.Unaligned(q), channels, (long)channels * tokens);
        var tables = new RelativePositions(operands.Of(height), operands.Of(width));
        _device.Pool.Lending = (address, bytes) => _device.FillBytes(address, bytes, 0xFF);
        var (ofHeight, ofWidth) = RelativeLogits.Compute(_device, shape, rows, tables);
        Numbers.AssertClose(wantHeight, Read(operands, ofHeight!, wantHeight.Length), 1e-6, 1e-5);
        Numbers.AssertClose(wantWidth, Read(operands, ofWidth!, wantWidth.Length), 1e-6, 1e-5);
    }

    [Theory]
    [InlineData(1, 1, 1, 32, 1, 1, true)]
    [InlineData(5, 7, 11, 32, 2, 1, false)]
    [InlineData(14, 14, 64, 64, 1, 3, false)]
    [InlineData(14, 14, 64, 64, 2, 1, true)]
    [InlineData(3, 64, 64, 64, 1, 1, false)]
    [InlineData(20, 3, 80, 80, 1, 2, false)]
    [InlineData(70, 3, 80, 80, 1, 1, true)]
    [InlineData(1, 140, 100, 128, 1, 1, false)]
    public void On_tensor_cores_they_are_those_of_what_was_rounded(
        int gridHeight, int gridWidth, int headWidth, int packedWidth, int batch, int heads, bool inOrder)
    {
        const float Factor = 0.25f;
        int tokens = gridHeight * gridWidth, channels = heads * headWidth, rowBytes = packedWidth * sizeof(ushort);
        var shape = new AttentionShape(batch, heads, tokens, tokens, headWidth, 1, gridHeight, gridWidth);
        float[] q = Rounded((long)batch * tokens * channels, 1);
        float[] height = Rounded((2L * gridHeight - 1) * headWidth, 2), width = Rounded((2L * gridWidth - 1) * headWidth, 3);
        (double[] wantHeight, double[] wantWidth) = Want(shape, q, height, width);
        ushort[] packed = new ushort[batch * heads * tokens * packedWidth];
        for (int row = 0; row < batch * heads * tokens; row++)
        {
            ReadOnlySpan<float> query = Query(shape, q, row);
            int token = row % tokens, first = (row - token) * packedWidth;
            for (int c = 0; c < headWidth; c++)
            {
                int place = inOrder
                    ? token * packedWidth + c
                    : (int)PackedRows.Place(token, c / 8, rowBytes) / sizeof(ushort) + c % 8;
                packed[first + place] = (ushort)(BitConverter.SingleToUInt32Bits(query[c] * Factor) >> 16);
            }
        }

        using var operands = new Operands(_device);
        View rows = operands.Of(MemoryMarshal.Cast<ushort, float>(packed).ToArray());
        var tables = new RelativePositions(operands.Of(height), operands.Unaligned(width));
        _device.Pool.Lending = (address, bytes) => _device.FillBytes(address, bytes, 0xFF);
        var (ofHeight, ofWidth) = PackedRelativeLogits.Compute(
            _device, shape, rows.Address, packedWidth, Factor, inOrder, tables);
        Numbers.AssertClose(wantHeight, Read(operands, ofHeight!, wantHeight.Length), 1e-6, 1e-5);
        Numbers.AssertClose(wantWidth, Read(operands, ofWidth!, wantWidth.Length), 1e-6, 1e-5);
    }

    static (double[] Height, double[] Width) Want(AttentionShape shape, float[] q, float[] height, float[] width)
    {
        int tokens = shape.Queries, gridHeight = shape.GridHeight, gridWidth = shape.GridWidth;
        double[] ofHeight = new double[shape.Batch * shape.Heads * tokens * gridHeight];
        double[] ofWidth = new double[shape.Batch * shape.Heads * tokens * gridWidth];
        for (int row = 0; row < shape.Batch * shape.Heads * tokens; row++)
        {
            ReadOnlySpan<float> query = Query(shape, q, row);
            int y = row % tokens / gridWidth, x = row % tokens % gridWidth;
            for (int ky = 0; ky < gridHeight; ky++)
                ofHeight[row * gridHeight + ky] = Dot(query, height.AsSpan((y - ky + gridHeight - 1) * shape.HeadWidth));
            for (int kx = 0; kx < gridWidth; kx++)
                ofWidth[row * gridWidth + kx] = Dot(query, width.AsSpan((x - kx + gridWidth - 1) * shape.HeadWidth));
        }
        return (ofHeight, ofWidth);
    }

    /// <summary>A row of [Batch, Heads, Queries] in [Batch, Queries, Heads, HeadWidth].</summary>
    static ReadOnlySpan<float> Query(AttentionShape shape, float[] q, int row)
    {
        int token = row % shape.Queries, head = row / shape.Queries % shape.Heads;
        int batch = row / shape.Queries / shape.Heads;
        return q.AsSpan(((batch * shape.Queries + token) * shape.Heads + head) * shape.HeadWidth, shape.HeadWidth);
    }

    /// <summary>Numbers that bfloat16 holds.</summary>
    static float[] Rounded(long count, int seed) => Array.ConvertAll(
        Numbers.Draw(count, seed),
        value => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xffff0000));

    static float[] Read(Operands operands, DeviceBuffer buffer, int count)
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
