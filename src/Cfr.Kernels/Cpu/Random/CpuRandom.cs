namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuRandom(Threads threads) : IRandom
{
    public void Uniform(RandomKey key, View y, float low, float high) => throw new NotSupportedException();

    public void Normal(RandomKey key, View y, float mean, float deviation) => throw new NotSupportedException();

    public void Dropout(RandomKey key, float rate, long outer, long middle, long inner, View x, View y) => throw new NotSupportedException();
}
