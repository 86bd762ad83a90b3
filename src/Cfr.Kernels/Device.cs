using System.Globalization;

namespace Cfr.Kernels;

/// <summary>
/// A device: its memory and its kernels, a family each. Kernels take <see cref="View"/>s and sizes, trust their
/// arguments (shapes are checked by the ops above), write every element of their outputs unless they say that they add,
/// and may run asynchronously in the order in which they were called.
/// </summary>
public abstract class Device : IDisposable
{
    /// <summary>The name by which <see cref="Open"/> finds it: <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>One line for people: the processor, its vector width, the threads used.</summary>
    public abstract string Description { get; }

    /// <summary>The device that computes: this one, unless it only watches another.</summary>
    public virtual Device Underlying => this;

    /// <summary>
    /// What the bits of results depend on beside what is computed: the kind of device and its precision, <c>cpu</c> or
    /// <c>cuda bf16</c>.
    /// </summary>
    public virtual string Arithmetic => Name;

    /// <summary>The device's memory.</summary>
    public abstract BufferPool Pool { get; }

    /// <summary>Bytes that can still be had of memory of the device's own; null where its memory is the host's.</summary>
    public virtual long? FreeBytes => null;

    /// <summary>Matrix products.</summary>
    public abstract IMatmul Matmul { get; }

    /// <summary>Convolutions and their gradients.</summary>
    public abstract IConvolution Convolution { get; }

    /// <summary>Max pooling.</summary>
    public abstract IPooling Pooling { get; }

    /// <summary>Softmax attention.</summary>
    public abstract IAttention Attention { get; }

    /// <summary>Layer, batch, instance and group norm.</summary>
    public abstract INormalization Normalization { get; }

    /// <summary>Normalisation put off until it is read; null where the device computes it at once.</summary>
    public virtual IFusedNormalization? FusedNormalization => null;

    /// <summary>Softmax and log-softmax.</summary>
    public abstract ISoftmax Softmax { get; }

    /// <summary>Functions of single elements.</summary>
    public abstract IElementWise ElementWise { get; }

    /// <summary>Sums, maxima, arg-max.</summary>
    public abstract IReduction Reduction { get; }

    /// <summary>Copies that rearrange: permute, slice, pad, gather.</summary>
    public abstract ILayout Layout { get; }

    /// <summary>Resizing of images and volumes.</summary>
    public abstract IResampling Resampling { get; }

    /// <summary>Segmentation losses.</summary>
    public abstract ILosses Losses { get; }

    /// <summary>Optimiser steps over many parameters at once.</summary>
    public abstract IOptimizers Optimizers { get; }

    /// <summary>Random numbers and dropout.</summary>
    public abstract IRandom Random { get; }

    /// <summary>
    /// Opens a device by name: <c>cpu</c>; <c>cuda</c> or <c>cuda:1</c>, a GPU; <c>emulated</c>, the GPU's kernels on
    /// the processor. The processor computes in float32 alone.
    /// </summary>
    /// <exception cref="ArgumentException">The name is none of these, or the device has no such precision.</exception>
    /// <exception cref="DeviceException">There is no such GPU here, or it cannot be used.</exception>
    public static Device Open(string name = "cpu", Precision precision = Precision.Float32) => name switch
    {
        "cpu" when precision == Precision.Float32 => new Cpu.CpuDevice(),
        "cpu" => throw new ArgumentException($"the device cpu computes in fp32, not in {precision.Name()}"),
        "emulated" => new Cuda.EmulatedDevice(precision),
        _ when GpuOrdinal(name) is { } ordinal => new Cuda.CudaDevice(ordinal, precision),
        _ => throw new ArgumentException($"there is no device '{name}'; expected cpu, cuda, cuda:N or emulated"),
    };

    /// <summary>Whether <see cref="Open"/> knows the name; the device may still be missing here.</summary>
    public static bool IsName(string name) => name is "cpu" or "emulated" || GpuOrdinal(name) is not null;

    static int? GpuOrdinal(string name)
    {
        const string Prefix = "cuda:";
        if (name == "cuda") return 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal)
                ? ordinal : null;
    }

    /// <summary>A buffer for <paramref name="count"/> elements; its contents are arbitrary.</summary>
    public DeviceBuffer Allocate(DType type, long count) => Pool.Rent(count * type.Bytes());

    /// <summary>Copies from the host to the device; the source may be reused on return.</summary>
    public abstract void Upload<T>(ReadOnlySpan<T> source, View destination) where T : unmanaged;

    /// <summary>Waits for what was launched and copies from the device to the host.</summary>
    public abstract void Download<T>(View source, Span<T> destination) where T : unmanaged;

    /// <summary>
    /// Starts a copy of a few numbers (float32) to the host, in the order of launches, and returns before they are there.
    /// </summary>
    public virtual Arrival Fetch(View source)
    {
        float[] values = new float[source.Count];
        Download(source, values.AsSpan());
        return new Arrived(values);
    }

    /// <summary>Whether <see cref="Capture"/> can be called.</summary>
    public virtual bool CanCapture => false;

    /// <summary>
    /// Records what <paramref name="work"/> launches, without running it, for replay. The work may rent and return
    /// memory, which then belongs to the graph, but may neither copy from or to the host nor wait. Run it once before:
    /// kernels are compiled at their first launch.
    /// </summary>
    /// <exception cref="InvalidOperationException">The work does what cannot be recorded; the message says what.</exception>
    public virtual LaunchGraph Capture(Action work) => throw new NotSupportedException($"{Name} records no launches");

    /// <summary>Sets bytes, in the order of launches.</summary>
    internal abstract void FillBytes(nint address, long bytes, byte value);

    /// <summary>Waits for everything that was launched.</summary>
    public abstract void Synchronize();

    /// <summary>Gives the device's memory back to the system.</summary>
    public abstract void Dispose();
}
