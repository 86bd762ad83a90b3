using static Cfr.Kernels.Cuda.Driver.CudaDriver;

namespace Cfr.Kernels.Cuda.Driver;

/// <summary>Small slots of pinned memory, into which the GPU copies numbers while the host goes on.</summary>
sealed unsafe class Mailbox(CudaDevice device) : IDisposable
{
    const int SlotFloats = 64, NoTiming = 2;

    readonly List<Slot> _slots = [];
    readonly Stack<Slot> _idle = [];

    /// <summary>Starts a copy of at most <see cref="SlotFloats"/> numbers.</summary>
    public Arrival Send(View source)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Count, SlotFloats);
        if (!_idle.TryPop(out Slot? slot)) slot = NewSlot();
        CudaException.Check(
            cuMemcpyDtoHAsync_v2(slot.Memory, source.Address, (nuint)(source.Count * sizeof(float)), device.Stream),
            "a copy from the GPU");
        CudaException.Check(cuEventRecord(slot.Landed, device.Stream), "a copy from the GPU");
        return new Letter(this, slot, (int)source.Count);
    }

    public void Dispose()
    {
        foreach (Slot slot in _slots)
        {
            cuEventDestroy_v2(slot.Landed);
            cuMemFreeHost(slot.Memory);
        }
    }

    Slot NewSlot()
    {
        CudaException.Check(cuMemHostAlloc(out nint memory, SlotFloats * sizeof(float), 0), "pinned memory");
        CudaException.Check(cuEventCreate(out nint landed, NoTiming), "an event");
        var slot = new Slot(memory, landed);
        _slots.Add(slot);
        return slot;
    }

    sealed record Slot(nint Memory, nint Landed);

    sealed class Letter(Mailbox box, Slot slot, int count) : Arrival
    {
        public override bool IsThere
        {
            get
            {
                box.Device.MakeCurrent();
                return cuEventQuery(slot.Landed) != CudaResult.NotReady;
            }
        }

        public override float[] Wait()
        {
            box.Device.MakeCurrent();
            box.Device.Waited(cuEventSynchronize(slot.Landed));
            float[] values = new ReadOnlySpan<float>((void*)slot.Memory, count).ToArray();
            box._idle.Push(slot);
            return values;
        }
    }

    CudaDevice Device => device;
}
