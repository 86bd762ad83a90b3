using Cfr.Kernels;
using Cfr.Kernels.Cuda;

namespace Cfr.TestKit;

/// <summary>Small networks on the kernels of large ones.</summary>
public static class LargeWork
{
    /// <summary>Lets work of any size go the way of large work: to tensor cores, if the precision is theirs.</summary>
    public static Device AsForLargeWork(this Device device)
    {
        if (device is GpuDevice gpu) gpu.SmallWork = 0;
        return device;
    }
}
