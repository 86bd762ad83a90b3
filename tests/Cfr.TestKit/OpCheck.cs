using Cfr.Kernels;
using Cfr.Kernels.Cuda;
using Cfr.Tensors;

namespace Cfr.TestKit;

/// <summary>The checks that every <see cref="OpCase"/> goes through.</summary>
public static class OpCheck
{
    const int DifferencesPerInput = 12;

    /// <summary>The forward pass equals the naive form in double precision, in every element.</summary>
    public static void Forward(OpCase one, Device device)
    {
        double[][] inputs = Draw(one);
        double[] want = one.Reference(inputs);
        var session = new Session(device);
        using Scope scope = session.Step();
        Poison(device);
        Tensor y = one.Run(ToTensors(session, one, inputs));
        Compare($"{one} on {device.Name}", ToDoubles(y), want, Allowed(one, device));
    }

    /// <summary>
    /// Gradients of L = sum(y G), G random, equal central differences of the naive form in double precision: at some
    /// elements of each input, and along one random direction through all of them.
    /// </summary>
    public static void Gradients(OpCase one, Device device)
    {
        double[][] inputs = Draw(one);
        double[] weights = Upstream(one, one.Reference(inputs));
        CompareGradients(one, device, inputs, weights, Backward(one, device, inputs, weights));
    }

    /// <summary>
    /// The forward pass, gradients, and the same bits twice, from two passes alone: where one takes seconds.
    /// </summary>
    public static void All(OpCase one, Device device)
    {
        double[][] inputs = Draw(one);
        double[] want = one.Reference(inputs), weights = Upstream(one, want);
        double[][] got = Backward(one, device, inputs, weights);
        Compare($"{one} on {device.Name}", got[^1], want, Allowed(one, device));
        CompareGradients(one, device, inputs, weights, got);
        AssertSame(one, device, Backward(one, device, inputs, weights), got);
    }

    static void CompareGradients(OpCase one, Device device, double[][] inputs, double[] weights, double[][] got)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!one.Inputs[i].Differentiated) continue;
            int count = inputs[i].Length;
            int[] places = [.. Enumerable.Range(0, Math.Min(count, DifferencesPerInput))
                .Select(k => count <= DifferencesPerInput ? k : (int)((long)k * 7919 % count))];
            double[] want = [.. places.Select(place => Difference(one, inputs, weights, i, Unit(count, place)))];
            double scale = got[i].Append(0).Max(Math.Abs);
            double tolerance = 2 * Allowed(one, device) + 1e-6;
            Compare($"gradient of {one.Inputs[i].Name} in {one} on {device.Name}",
                [.. places.Select(place => got[i][place])], want, tolerance, scale);

            double[] direction = Draw(new Fnv($"{one} direction {i}"), count, Fill.Signed, 0);
            double along = got[i].Zip(direction, (a, b) => a * b).Sum();
            Compare($"gradient of {one.Inputs[i].Name} along a direction in {one} on {device.Name}",
                [along], [Difference(one, inputs, weights, i, direction)], tolerance, scale * Math.Sqrt(count));
        }
    }

    /// <summary>Results and gradients are the same bits twice on each device and on all of the devices given.</summary>
    public static void SameBits(OpCase one, params Device[] devices)
    {
        double[][] inputs = Draw(one);
        double[] weights = Upstream(one, one.Reference(inputs));
        double[][]? first = null;
        foreach (Device device in devices.Concat(devices))
        {
            double[][] bits = Backward(one, device, inputs, weights);
            AssertSame(one, device, bits, first ??= bits);
        }
    }

    static void AssertSame(OpCase one, Device device, double[][] bits, double[][] before)
    {
        for (int i = 0; i < bits.Length; i++)
            for (int k = 0; k < bits[i].Length; k++)
                if (BitConverter.DoubleToInt64Bits(bits[i][k]) != BitConverter.DoubleToInt64Bits(before[i][k]))
                    throw new CheckException($"{one}: output {i} element {k} is {bits[i][k]:R} on {device.Description}, {before[i][k]:R} before");
    }

    static double[] Upstream(OpCase one, double[] result) => Draw(new Fnv($"{one} upstream"), result.Length, Fill.Signed, 0);

    /// <summary>Gradients of all inputs, and the result as the last entry.</summary>
    static double[][] Backward(OpCase one, Device device, double[][] inputs, double[] weights)
    {
        var session = new Session(device);
        using Scope scope = session.Step();
        Poison(device);
        Tensor[] tensors = ToTensors(session, one, inputs);
        Tensor y = one.Run(tensors);
        if (y.RequiresGrad)
            y.Backward(session.Tensor([.. weights.Select(w => (float)w)], y.Shape));
        return [.. tensors.Select(t => t.Grad is { } grad ? ToDoubles(grad) : new double[t.Count]), ToDoubles(y)];
    }

    /// <summary>
    /// Whether a case is one of matrix products or made of them: these alone compute in the device's precision.
    /// </summary>
    public static bool ComputesInPrecision(OpCase one) => one.Family
        is "matmul" or "linear" or "low rank" or "mlp" or "attention"
            or "conv2d" or "conv3d" or "transposed conv2d" or "transposed conv3d";

    static double Allowed(OpCase one, Device device)
    {
        Precision precision =
            device is GpuDevice gpu && ComputesInPrecision(one) ? gpu.Precision : Precision.Float32;
        return Tolerance.ForSum(one.Terms, precision) * one.Slack;
    }

    static double Difference(OpCase one, double[][] inputs, double[] weights, int input, double[] direction)
    {
        const double Step = 1e-6;
        return (Loss(Step) - Loss(-Step)) / (2 * Step);

        double Loss(double step)
        {
            double[][] moved = [.. inputs];
            moved[input] = [.. inputs[input].Zip(direction, (x, d) => x + step * d)];
            return one.Reference(moved).Zip(weights, (y, w) => y * w).Sum();
        }
    }

    static double[] Unit(int count, int place)
    {
        double[] direction = new double[count];
        direction[place] = 1;
        return direction;
    }

    static void Compare(string what, double[] got, double[] want, double tolerance, double scale = 0)
    {
        if (got.Length != want.Length)
            throw new CheckException($"{what}: {got.Length} elements, expected {want.Length}");
        scale = Math.Max(scale, want.Append(0).Max(Math.Abs));
        int worst = -1;
        double worstError = tolerance * Math.Max(scale, 1e-30);
        for (int i = 0; i < got.Length; i++)
        {
            double error = Math.Abs(got[i] - want[i]);
            if (error <= worstError && !double.IsNaN(error)) continue;
            (worst, worstError) = (i, error);
            if (double.IsNaN(error)) break;
        }
        if (worst >= 0)
            throw new CheckException($"{what}: worst element {worst} is {got[worst]:G9}, expected {want[worst]:G9} (error {worstError:E1}, allowed {tolerance * scale:E1})");
    }

    static double[][] Draw(OpCase one) =>
        [.. one.Inputs.Select(input => Draw(new Fnv($"{one} {input.Name}"), checked((int)input.Shape.Count), input.Fill, input.Limit))];

    /// <summary>Numbers that a float32 holds exactly, so that both sides see the same.</summary>
    static double[] Draw(Fnv seed, int count, Fill fill, int limit)
    {
        var random = new Random(seed.Hash);
        double[] values = new double[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = fill switch
            {
                Fill.Positive => (float)(0.5 + random.NextDouble()),
                Fill.Index => random.Next(limit),
                _ => (float)(2 * random.NextDouble() - 1),
            };
        }
        return values;
    }

    static Tensor[] ToTensors(Session session, OpCase one, double[][] inputs) =>
    [
        .. one.Inputs.Zip(inputs, (input, values) => input.Fill == Fill.Index
            ? session.Labels([.. values.Select(v => (int)v)], input.Shape)
            : session.Tensor([.. values.Select(v => (float)v)], input.Shape).WithGrad(input.Differentiated)),
    ];

    static double[] ToDoubles(Tensor tensor) => tensor.DType == DType.Int32
        ? [.. tensor.ToIntArray().Select(v => (double)v)]
        : [.. tensor.ToArray().Select(v => (double)v)];

    /// <summary>
    /// Fills all memory that is lent with NaN, so that a kernel that leaves an element unwritten is found out.
    /// </summary>
    static void Poison(Device device) =>
        device.Pool.Lending = (address, bytes) => device.FillBytes(address, bytes, 0xFF);

    /// <summary>A seed from a name (FNV-1a), the same in every process.</summary>
    readonly struct Fnv(string name)
    {
        public int Hash
        {
            get
            {
                uint hash = 2166136261;
                foreach (char letter in name) hash = (hash ^ letter) * 16777619;
                return (int)hash;
            }
        }
    }
}

/// <summary>A check failed; the message says where and by how much.</summary>
public sealed class CheckException(string message) : Exception(message);
