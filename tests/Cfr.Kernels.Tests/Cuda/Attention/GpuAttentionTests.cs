using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

public sealed class GpuAttentionTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_NaN_in_a_query_reaches_that_query_only() => AttentionTests.CheckNaN(_device);

    [Fact]
    public void Rows_may_be_wider_than_their_tokens_and_gaps_stay_untouched() => AttentionTests.CheckGaps(_device);
}
