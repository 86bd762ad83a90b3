namespace Cfr.Kernels.Cpu;

sealed unsafe class CpuElementWise<V>(Threads threads) : IElementWise where V : struct, IVector<V>
{
    public void Fill(View y, float value) => throw new NotSupportedException();

    public void Affine(View x, float scale, float shift, View y) => throw new NotSupportedException();

    public void Unary(UnaryOp op, View x, View y, float parameter = 0) => throw new NotSupportedException();

    public void UnaryBackward(UnaryOp op, View x, View dy, View dx, float parameter = 0) => throw new NotSupportedException();

    public void Binary(BinaryOp op, Broadcast broadcast, View a, View b, View y) => throw new NotSupportedException();

    public void AddScaled(View x, float scale, View y) => throw new NotSupportedException();

    public void Clamp(View x, float low, float high, View y) => throw new NotSupportedException();

    public void ClampBackward(View x, float low, float high, View dy, View dx) => throw new NotSupportedException();

    public void EqualTo(View labels, int value, View y) => throw new NotSupportedException();
}
