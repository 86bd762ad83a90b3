namespace Cfr.Kernels.Cpu;

/// <summary>Layer norm row by row; the others channel by channel (<see cref="ChannelNorm{V}"/>).</summary>
sealed unsafe class CpuNormalization<V>(Threads threads, BufferPool pool) : INormalization where V : struct, IVector<V>
{
    const int SmallestPiece = 16384;
    const int RowsOfBlock = 128;
    const int BlocksAtMost = 1024;
    const int ColumnsOfPiece = 256;

    readonly ChannelNorm<V> _channels = new(threads, pool);

    public void LayerForward(
        long rows, int width, float eps, View x, View weight, View bias, View y, View mean, View inverseDeviation)
    {
        DeviceBuffer constants = pool.Rent(2L * width * sizeof(float));
        float* w = OrConstant(weight, 1, (float*)constants.Address, width);
        float* b = OrConstant(bias, 0, (float*)constants.Address + width, width);
        long grain = Math.Max(1, SmallestPiece / Math.Max(1, width));
        threads.For(rows, grain, (first, last) =>
        {
            for (long r = first; r < last; r++)
            {
                LayerNormForward<V>.Row(
                    x.Floats + r * width, width, eps, w, b, y.Floats + r * width, mean.Floats + r,
                    inverseDeviation.Floats + r);
            }
        });
        constants.Release();
    }

    public void LayerBackward(
        long rows, int width, View x, View weight, View mean, View inverseDeviation, View dy,
        View dx, View dWeight, View dBias, bool accumulate = false)
    {
        bool wantsParameters = !dWeight.IsNone || !dBias.IsNone;
        long rowsOfBlock = Math.Max(RowsOfBlock, (rows + BlocksAtMost - 1) / BlocksAtMost);
        int blocks = (int)((rows + rowsOfBlock - 1) / rowsOfBlock);
        DeviceBuffer constants = pool.Rent((long)width * sizeof(float));
        DeviceBuffer partials = pool.Rent(wantsParameters ? 2L * blocks * width * sizeof(float) : 0);
        float* w = OrConstant(weight, 1, (float*)constants.Address, width);
        float* partial = (float*)partials.Address;
        threads.For(blocks, block =>
        {
            float* dWeightOfBlock = partial + 2L * block * width, dBiasOfBlock = dWeightOfBlock + width;
            if (wantsParameters) new Span<float>(dWeightOfBlock, 2 * width).Clear();
            long last = Math.Min(rows, (block + 1) * rowsOfBlock);
            for (long r = block * rowsOfBlock; r < last; r++)
            {
                float* xRow = x.Floats + r * width, dyRow = dy.Floats + r * width;
                float m = mean.Floats[r], inverse = inverseDeviation.Floats[r];
                if (wantsParameters)
                {
                    LayerNormBackward<V>.AddParameterGradients(
                        xRow, width, m, inverse, dyRow, dWeightOfBlock, dBiasOfBlock);
                }
                if (dx.IsNone) continue;
                LayerNormBackward<V>.InputGradient(
                    xRow, width, m, inverse, w, dyRow, dx.Floats + r * width, accumulate);
            }
        });
        if (wantsParameters)
        {
            threads.For(width, ColumnsOfPiece, (first, last) =>
            {
                for (long i = first; i < last; i++)
                {
                    double sumWeight = 0, sumBias = 0;
                    for (long block = 0; block < blocks; block++)
                    {
                        sumWeight += partial[2 * block * width + i];
                        sumBias += partial[(2 * block + 1) * width + i];
                    }
                    if (!dWeight.IsNone) dWeight.Floats[i] = (float)sumWeight;
                    if (!dBias.IsNone) dBias.Floats[i] = (float)sumBias;
                }
            });
        }
        partials.Release();
        constants.Release();
    }

    public void Statistics(NormShape shape, View x, View mean, View variance) =>
        _channels.Statistics(shape, x, mean, variance);

    public void UpdateRunning(NormShape shape, View mean, View variance, RunningView running)
    {
        if (!running.Batches.IsNone) *running.Batches.Floats += 1;
        double unbiased = shape.Count / (shape.Count - 1.0);
        float momentum = running.Momentum;
        for (int i = 0; i < shape.Statistics; i++)
        {
            float* m = running.Mean.Floats + i, v = running.Variance.Floats + i;
            *m = (1 - momentum) * *m + momentum * mean.Floats[i];
            *v = (1 - momentum) * *v + momentum * (float)(unbiased * variance.Floats[i]);
        }
    }

    public void Normalize(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        View y)
    {
        var parameters = new ChannelNormParameters(eps, mean, variance, weight, bias);
        switch (activation)
        {
            case Activation.None: _channels.Normalize<NoActivation>(shape, parameters, x, y); break;
            case Activation.Relu: _channels.Normalize<Relu>(shape, parameters, x, y); break;
            case Activation.Gelu: _channels.Normalize<Gelu>(shape, parameters, x, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(activation), activation, null);
        }
    }

    public void Backward(
        NormShape shape, float eps, View x, View mean, View variance, View weight, View bias, Activation activation,
        bool fixedStatistics, View dy, View dx, View dWeight, View dBias)
    {
        var parameters = new ChannelNormParameters(eps, mean, variance, weight, bias);
        var gradients = new ChannelNormGradients(fixedStatistics, dy, dx, dWeight, dBias);
        switch (activation)
        {
            case Activation.None: _channels.Backward<NoActivation>(shape, parameters, x, gradients); break;
            case Activation.Relu: _channels.Backward<Relu>(shape, parameters, x, gradients); break;
            case Activation.Gelu: _channels.Backward<Gelu>(shape, parameters, x, gradients); break;
            default: throw new ArgumentOutOfRangeException(nameof(activation), activation, null);
        }
    }

    static float* OrConstant(View values, float constant, float* memory, int width)
    {
        if (!values.IsNone) return values.Floats;
        new Span<float>(memory, width).Fill(constant);
        return memory;
    }
}
