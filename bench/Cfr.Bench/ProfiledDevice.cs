using System.Diagnostics;
using System.Reflection;
using Cfr.Kernels;

namespace Cfr.Bench;

/// <summary>
/// A device that notes how long each kernel takes, by its name and sizes. It waits for every kernel. Layout and optimisers
/// are left out: a proxy takes no spans.
/// </summary>
sealed class ProfiledDevice(Device device) : Device
{
    readonly Dictionary<string, (int Calls, double Seconds)> _kernels = [];

    public override string Name => device.Name;

    public override string Description => device.Description;

    public override BufferPool Pool => device.Pool;

    public override IMatmul Matmul => Timed(device.Matmul);

    public override IConvolution Convolution => Timed(device.Convolution);

    public override IPooling Pooling => Timed(device.Pooling);

    public override IAttention Attention => Timed(device.Attention);

    public override INormalization Normalization => Timed(device.Normalization);

    public override ISoftmax Softmax => Timed(device.Softmax);

    public override IElementWise ElementWise => Timed(device.ElementWise);

    public override IReduction Reduction => Timed(device.Reduction);

    public override ILayout Layout => Timed(device.Layout);

    public override IResampling Resampling => Timed(device.Resampling);

    public override ILosses Losses => Timed(device.Losses);

    public override IOptimizers Optimizers => device.Optimizers;

    public override IRandom Random => Timed(device.Random);

    /// <summary>Calls and seconds since <see cref="Forget"/>, by kernel and sizes.</summary>
    public IReadOnlyDictionary<string, (int Calls, double Seconds)> Kernels => _kernels;

    public void Forget() => _kernels.Clear();

    public override void Upload<T>(ReadOnlySpan<T> source, View destination) => device.Upload(source, destination);

    public override void Download<T>(View source, Span<T> destination) => device.Download(source, destination);

    public override void Synchronize() => device.Synchronize();

    public override void Dispose() => device.Dispose();

    internal override void FillBytes(nint address, long bytes, byte value) => device.FillBytes(address, bytes, value);

    T Timed<T>(T family) where T : class
    {
        T proxy = DispatchProxy.Create<T, Family>();
        ((Family)(object)proxy).Wrap(family, this);
        return proxy;
    }

    /// <summary>A family of kernels with a clock around each call.</summary>
    public class Family : DispatchProxy
    {
        object? _family;
        ProfiledDevice? _owner;

        internal void Wrap(object family, ProfiledDevice owner) => (_family, _owner) = (family, owner);

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? method, object?[]? arguments)
        {
            var clock = Stopwatch.StartNew();
            object? result = method!.Invoke(_family, arguments);
            _owner!.Synchronize();
            string kernel = $"{method.DeclaringType!.Name[1..]}.{method.Name} {Sizes(arguments)}";
            (int calls, double seconds) = _owner._kernels.GetValueOrDefault(kernel);
            _owner._kernels[kernel] = (calls + 1, seconds + clock.Elapsed.TotalSeconds);
            return result;
        }

        /// <summary>The kernel's record of sizes, or else how many elements its operands have.</summary>
        static string Sizes(object?[]? arguments) => string.Join(' ', (arguments ?? []).Select(argument => argument switch
        {
            ConvolutionShape s => $"{s.Input}x{s.InChannels} -> {s.Output}x{s.OutChannels}, kernel {s.Kernel}",
            NormShape s => $"{s.Batch}x{s.Spatial}x{s.Channels}",
            View { IsNone: false } view => $"[{view.Count}]",
            _ => "",
        }).Where(text => text.Length > 0).Take(1));
    }
}
