using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Repetition in packets and one by one, odd addresses, and what no op calls.</summary>
public sealed class GpuElementWiseTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    public static TheoryData<Broadcast, int> Broadcasts => new()
    {
        { Broadcast.None(0), 0 }, { Broadcast.None(803), 803 }, { new Broadcast(1, 1, 203, 0, 0, 0), 1 },
        { new Broadcast(1, 7, 12, 0, 0, 1), 12 }, { new Broadcast(1, 7, 3, 0, 0, 1), 3 },
        { new Broadcast(3, 5, 8, 8, 0, 1), 24 }, { new Broadcast(3, 5, 6, 6, 0, 1), 18 },
        { new Broadcast(1, 9, 16, 0, 1, 0), 9 }, { new Broadcast(5, 9, 5, 9, 1, 0), 45 },
        { new Broadcast(5, 7, 4, 0, 4, 1), 28 }, { new Broadcast(5, 7, 4, 1, 0, 0), 5 },
        { new Broadcast(5, 7, 4, 2, 3, 4), 8 + 18 + 16 }, { new Broadcast(5, 7, 4, 30, 4, 1), 148 },
    };

    [Theory, MemberData(nameof(Broadcasts))]
    public void Every_form_of_repetition_equals_the_naive_form_exactly(Broadcast broadcast, int count)
    {
        Check(_device.ElementWise, broadcast, count, 0);
        Check(_device.ElementWise, broadcast, count, 1);
        Check(new GpuElementWise(_device) { MostElements = 50 }, broadcast, count, 1);
    }

    /// <summary>With b one element off an address of packets where <paramref name="offset"/> is 1.</summary>
    void Check(IElementWise elementWise, Broadcast broadcast, int count, int offset)
    {
        float[] a = Numbers.Draw(broadcast.Count), b = Numbers.Draw(count + offset, seed: 2), want = new float[a.Length];
        ElementWiseNaive.Binary<float>(BinaryOp.Subtract, broadcast, a, b.AsSpan(offset), want);
        using var operands = new Operands(_device);
        View y = operands.Of(a);
        elementWise.Binary(BinaryOp.Subtract, broadcast, y, operands.Of(b).Slice(offset), y);
        Assert.Equal(want, operands.Floats(y));
    }

    [Theory]
    [InlineData(0, 0), InlineData(1, 0), InlineData(700, 0), InlineData(701, 1)]
    public void Filling_adding_and_comparing_reach_every_element_from_any_address(int count, int offset)
    {
        float[] x = Numbers.Draw(count + offset), y = Numbers.Draw(count + offset, seed: 2);
        int[] labels = [.. Enumerable.Range(0, count + offset).Select(i => i % 3 - 1)];
        using var operands = new Operands(_device);
        View filled = operands.Output(count + offset), sum = operands.Of(y), equal = operands.Output(count + offset);
        _device.ElementWise.Fill(filled.Slice(offset), 2.5f);
        _device.ElementWise.AddScaled(operands.Of(x).Slice(offset), 0.3f, sum.Slice(offset));
        _device.ElementWise.EqualTo(operands.Of(labels).Slice(offset), -1, equal.Slice(offset));
        Assert.Equal(Enumerable.Repeat(2.5f, count), operands.Floats(filled)[offset..]);
        Numbers.AssertClose([.. x.Zip(y, (u, v) => 0.3f * (double)u + v).Skip(offset)], operands.Floats(sum)[offset..], 1e-7);
        Assert.Equal(labels.Skip(offset).Select(label => label == -1 ? 1f : 0), operands.Floats(equal)[offset..]);
    }

    [Fact]
    public void A_NaN_behind_a_mask_of_zero_is_gone()
    {
        using var operands = new Operands(_device);
        View y = operands.Output(3);
        var elementWise = new GpuElementWise(_device);
        elementWise.Keep(Broadcast.None(3), operands.Of(float.NaN, 3, float.NaN), operands.Of(0, 2, 2), y);
        Assert.Equal([0, 6, float.NaN], operands.Floats(y));
    }
}
