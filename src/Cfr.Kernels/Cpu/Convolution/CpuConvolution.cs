namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuConvolution<V>(Threads threads, BufferPool pool) : IConvolution where V : struct, IVector<V>
{
    public void Forward(ConvolutionShape shape, View x, View w, View bias, View y, Activation activation = Activation.None) => throw new NotSupportedException();

    public void InputGradient(ConvolutionShape shape, View dy, View w, View bias, View dx, Activation activation = Activation.None) => throw new NotSupportedException();

    public void WeightGradient(ConvolutionShape shape, View x, View dy, View dw) => throw new NotSupportedException();
}
