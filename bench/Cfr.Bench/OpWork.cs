using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Bench;

/// <summary>
/// One <see cref="OpCase"/> made ready to be timed: its inputs lie on the device, filled with random numbers. A phase is
/// <c>forward</c>, <c>backward</c> (all gradients), <c>forward+backward</c>, or <c>gradient of NAME</c> for one input.
/// </summary>
sealed class OpWork : IWork
{
    const string Forward = "forward", Backward = "backward", Both = "forward+backward", GradientOf = "gradient of ";

    readonly Session _session;
    readonly OpCase _case;
    readonly string _phase;
    readonly Tensor[] _inputs;
    readonly Tensor? _upstream;
    long _peakBytes;

    public OpWork(Device device, OpCase one, string phase)
    {
        _session = new Session(device, seed: 1);
        _case = one;
        _phase = phase;
        _inputs = [.. one.Inputs.Select(Draw)];
        foreach (var (input, tensor) in one.Inputs.Zip(_inputs))
        {
            bool wanted = phase is Backward or Both ? input.Differentiated : phase == GradientOf + input.Name;
            if (wanted) tensor.WithGrad();
        }
        if (phase == Forward) return;
        if (!_inputs.Any(tensor => tensor.RequiresGrad))
            throw new ArgumentException($"'{one}' has no phase '{phase}'");
        using (_session.NoGrad())
            _upstream = _session.Uniform(one.Run(_inputs).Shape, -1, 1);
    }

    /// <summary>Forward, and with the backward pass if the case has one.</summary>
    public static string[] PhasesOf(OpCase one) =>
        one.Inputs.Any(input => input.Differentiated) ? [Forward, Both] : [Forward];

    /// <summary>Seconds that the phase takes, once.</summary>
    public double Seconds()
    {
        BufferPool pool = _session.Device.Pool;
        pool.ResetPeak();
        long before = pool.BytesInUse;
        double seconds = Run();
        _peakBytes = pool.PeakBytes - before;
        return seconds;
    }

    public long PeakBytes() => _peakBytes;

    double Run()
    {
        using Scope step = _session.Step();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Tensor y = _case.Run(_inputs);
        if (_upstream is not null)
        {
            if (_phase != Both)
            {
                _session.Device.Synchronize();
                clock.Restart();
            }
            y.Backward(_upstream);
        }
        _session.Device.Synchronize();
        double seconds = clock.Elapsed.TotalSeconds;
        foreach (Tensor input in _inputs) input.ClearGrad();
        return seconds;
    }

    Tensor Draw(Input input) => input.Fill switch
    {
        Fill.Index => _session.Labels(Indices(input), input.Shape),
        Fill.Positive => _session.Uniform(input.Shape, 0.5f, 1.5f),
        _ => _session.Uniform(input.Shape, -1, 1),
    };

    static int[] Indices(Input input)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, (int)input.Shape.Count).Select(_ => random.Next(input.Limit))];
    }
}
