namespace Cfr.Kernels.Cpu;

/// <summary>What a channel norm is made of; weight and bias may be none.</summary>
readonly record struct ChannelNormParameters(float Eps, View Mean, View Variance, View Weight, View Bias);

/// <summary>What its backward pass reads and writes; dx, dWeight and dBias may be none.</summary>
readonly record struct ChannelNormGradients(bool FixedStatistics, View Dy, View Dx, View DWeight, View DBias);

/// <summary>
/// Batch, instance and group norm: sends pieces of voxels to the kernels and combines, in double and in the order of
/// the pieces, the sums that they return per channel.
/// </summary>
sealed unsafe class ChannelNorm<V>(Threads threads, BufferPool pool) where V : struct, IVector<V>
{
    const int ForwardRows = 3;
    const int BackwardRows = 5;

    public void Statistics(NormShape shape, View x, View mean, View variance)
    {
        var tiling = new ChannelTiling(shape, V.Width);
        int channels = shape.Channels, channelsOfGroup = channels / shape.Groups;
        DeviceBuffer partials = pool.Rent(2L * tiling.Pieces * channels * sizeof(double));
        double* partial = (double*)partials.Address;
        threads.For(tiling.Pieces, piece =>
        {
            (_, long start, long voxels) = tiling.Piece(piece);
            ChannelMoments<V>.Piece(tiling, x.Floats + start, voxels, partial + 2L * piece * channels);
        });

        DeviceBuffer totals = SumOverPieces(tiling, partial);
        double* sums = (double*)totals.Address;
        for (int statistic = 0; statistic < shape.Statistics; statistic++)
        {
            int sample = statistic / shape.Groups, group = statistic % shape.Groups;
            double* sumOfGroup = sums + 2L * sample * channels + group * channelsOfGroup;
            double sum = 0, squares = 0;
            for (int c = 0; c < channelsOfGroup; c++)
            {
                sum += sumOfGroup[c];
                squares += sumOfGroup[channels + c];
            }
            double m = sum / shape.Count;
            mean.Floats[statistic] = (float)m;
            variance.Floats[statistic] = (float)Math.Max(squares / shape.Count - m * m, 0);
        }
        totals.Release();
        partials.Release();
    }

    public void Normalize<TActivation>(NormShape shape, ChannelNormParameters parameters, View x, View y)
        where TActivation : struct, IActivation
    {
        var tiling = new ChannelTiling(shape, V.Width);
        DeviceBuffer tables = pool.Rent((long)ForwardRows * tiling.Samples * tiling.Tile * sizeof(float));
        float* table = (float*)tables.Address;
        long stride = (long)ForwardRows * tiling.Tile;
        for (int sample = 0; sample < tiling.Samples; sample++)
            FillForwardRows(shape, tiling, parameters, sample, table + sample * stride);
        threads.For(tiling.Pieces, piece =>
        {
            (int sample, long start, long voxels) = tiling.Piece(piece);
            ChannelNormalize<V, TActivation>.Piece(
                tiling, x.Floats + start, voxels, table + sample * stride, y.Floats + start);
        });
        tables.Release();
    }

    public void Backward<TActivation>(
        NormShape shape, ChannelNormParameters parameters, View x, ChannelNormGradients gradients)
        where TActivation : struct, IActivation
    {
        var tiling = new ChannelTiling(shape, V.Width);
        int channels = shape.Channels;
        DeviceBuffer tables = pool.Rent((long)BackwardRows * tiling.Samples * tiling.Tile * sizeof(float));
        float* table = (float*)tables.Address;
        long stride = (long)BackwardRows * tiling.Tile;
        for (int sample = 0; sample < tiling.Samples; sample++)
        {
            FillForwardRows(shape, tiling, parameters, sample, table + sample * stride);
            new Span<float>(table + sample * stride + 3 * tiling.Tile, 2 * tiling.Tile).Clear();
        }

        bool wantsParameters = !gradients.DWeight.IsNone || !gradients.DBias.IsNone;
        bool dependsOnSums = !gradients.Dx.IsNone && !gradients.FixedStatistics;
        if (wantsParameters || dependsOnSums)
        {
            DeviceBuffer partials = pool.Rent(2L * tiling.Pieces * channels * sizeof(double));
            double* partial = (double*)partials.Address;
            threads.For(tiling.Pieces, piece =>
            {
                (int sample, long start, long voxels) = tiling.Piece(piece);
                ChannelNormGradient<V, TActivation>.Sums(
                    tiling, x.Floats + start, gradients.Dy.Floats + start, voxels, table + sample * stride,
                    partial + 2L * piece * channels);
            });
            DeviceBuffer totals = SumOverPieces(tiling, partial);
            double* sums = (double*)totals.Address;
            if (wantsParameters) WriteParameterGradients(shape, tiling, parameters, sums, gradients);
            for (int sample = 0; dependsOnSums && sample < tiling.Samples; sample++)
            {
                FillBackwardRows(
                    shape, tiling, parameters, sample, sums + 2L * sample * channels, table + sample * stride);
            }
            totals.Release();
            partials.Release();
        }

        if (!gradients.Dx.IsNone)
        {
            threads.For(tiling.Pieces, piece =>
            {
                (int sample, long start, long voxels) = tiling.Piece(piece);
                ChannelNormGradient<V, TActivation>.Input(
                    tiling, x.Floats + start, gradients.Dy.Floats + start, voxels, table + sample * stride,
                    gradients.Dx.Floats + start);
            });
        }
        tables.Release();
    }

    /// <summary>[samples, 2, channels] from [pieces, 2, channels].</summary>
    DeviceBuffer SumOverPieces(ChannelTiling tiling, double* partial)
    {
        int width = 2 * tiling.Channels;
        DeviceBuffer totals = pool.Rent((long)tiling.Samples * width * sizeof(double));
        double* sums = (double*)totals.Address;
        new Span<double>(sums, checked(tiling.Samples * width)).Clear();
        for (int piece = 0; piece < tiling.Pieces; piece++)
        {
            double* target = sums + (long)(piece / tiling.PiecesPerSample) * width;
            double* source = partial + (long)piece * width;
            for (int i = 0; i < width; i++) target[i] += source[i];
        }
        return totals;
    }

    /// <summary>Mean, scale = weight / sqrt(variance + eps) and bias of each column of the tile.</summary>
    static void FillForwardRows(
        NormShape shape, ChannelTiling tiling, ChannelNormParameters parameters, int sample, float* table)
    {
        int tile = tiling.Tile;
        for (int c = 0; c < shape.Channels; c++)
        {
            int statistic = StatisticOf(shape, sample, c);
            float w = parameters.Weight.IsNone ? 1 : parameters.Weight.Floats[c];
            float mean = parameters.Mean.Floats[statistic];
            float scale = (float)(w * InverseDeviation(parameters, statistic));
            float bias = parameters.Bias.IsNone ? 0 : parameters.Bias.Floats[c];
            for (int i = c; i < tile; i += shape.Channels)
            {
                table[i] = mean;
                table[tile + i] = scale;
                table[2 * tile + i] = bias;
            }
        }
    }

    /// <summary>
    /// Of dx = r (g w - mean(g w) - n mean(g w n)) with n = d r: shift = r mean(g w), slope = r r mean(g w n); means
    /// over the elements of a statistic, from the sums of g and g d per channel.
    /// </summary>
    static void FillBackwardRows(
        NormShape shape, ChannelTiling tiling, ChannelNormParameters parameters, int sample, double* sums, float* table)
    {
        int tile = tiling.Tile, channels = shape.Channels, channelsOfGroup = channels / shape.Groups;
        for (int first = 0; first < channels; first += channelsOfGroup)
        {
            double inverse = InverseDeviation(parameters, StatisticOf(shape, sample, first));
            double sumGW = 0, sumGWN = 0;
            for (int c = first; c < first + channelsOfGroup; c++)
            {
                double w = parameters.Weight.IsNone ? 1 : parameters.Weight.Floats[c];
                sumGW += w * sums[c];
                sumGWN += w * sums[channels + c] * inverse;
            }
            float shift = (float)(inverse * sumGW / shape.Count);
            float slope = (float)(inverse * inverse * sumGWN / shape.Count);
            for (int c = first; c < first + channelsOfGroup; c++)
            {
                for (int i = c; i < tile; i += channels)
                {
                    table[3 * tile + i] = shift;
                    table[4 * tile + i] = slope;
                }
            }
        }
    }

    static void WriteParameterGradients(
        NormShape shape, ChannelTiling tiling, ChannelNormParameters parameters, double* sums,
        ChannelNormGradients gradients)
    {
        int channels = shape.Channels;
        for (int c = 0; c < channels; c++)
        {
            double dWeight = 0, dBias = 0;
            for (int sample = 0; sample < tiling.Samples; sample++)
            {
                double* sumsOfSample = sums + 2L * sample * channels;
                dBias += sumsOfSample[c];
                dWeight += sumsOfSample[channels + c] * InverseDeviation(parameters, StatisticOf(shape, sample, c));
            }
            if (!gradients.DWeight.IsNone) gradients.DWeight.Floats[c] = (float)dWeight;
            if (!gradients.DBias.IsNone) gradients.DBias.Floats[c] = (float)dBias;
        }
    }

    static int StatisticOf(NormShape shape, int sample, int channel) =>
        sample * shape.Groups + channel / (shape.Channels / shape.Groups);

    static double InverseDeviation(ChannelNormParameters parameters, int statistic) =>
        1 / Math.Sqrt((double)parameters.Variance.Floats[statistic] + parameters.Eps);
}
