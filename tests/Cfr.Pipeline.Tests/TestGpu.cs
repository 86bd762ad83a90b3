using Cfr.Kernels;

namespace Cfr.Pipeline.Tests;

/// <summary>The first GPU, where there is one.</summary>
static class TestGpu
{
    /// <summary>Opens a device; for <c>cuda</c> it skips the test where there is none.</summary>
    public static Device Open(string name) => name == "cuda" ? OpenOrSkip() : Device.Open(name);

    /// <summary>Opens it, or skips the test and says why.</summary>
    public static Device OpenOrSkip(Precision precision = Precision.Float32)
    {
        try
        {
            return Device.Open("cuda", precision);
        }
        catch (DeviceException missing)
        {
            Assert.Skip(missing.Message);
            throw;
        }
    }
}
