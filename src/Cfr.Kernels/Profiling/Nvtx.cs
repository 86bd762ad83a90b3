using System.Runtime.InteropServices;

namespace Cfr.Kernels.Profiling;

/// <summary>Named ranges that NVIDIA's Nsight shows beside the kernels; NVTX is often not installed.</summary>
sealed unsafe class Nvtx
{
    static readonly string[] Libraries =
        OperatingSystem.IsWindows() ? ["nvToolsExt64_1.dll"] : ["libnvToolsExt.so.1", "libnvtx3interop.so.1", "libnvtx3interop.so"];

    readonly delegate* unmanaged<byte*, int> _push;
    readonly delegate* unmanaged<int> _pop;
    readonly Dictionary<string, nint> _names = [];

    Nvtx(nint push, nint pop)
    {
        _push = (delegate* unmanaged<byte*, int>)push;
        _pop = (delegate* unmanaged<int>)pop;
    }

    /// <summary>NVTX, or null where it is not installed.</summary>
    public static Nvtx? Load() => Load(Libraries);

    /// <summary>The first of these libraries that is there, or null.</summary>
    internal static Nvtx? Load(params ReadOnlySpan<string> libraries)
    {
        foreach (string library in libraries)
            if (NativeLibrary.TryLoad(library, out nint handle)
                && NativeLibrary.TryGetExport(handle, "nvtxRangePushA", out nint push)
                && NativeLibrary.TryGetExport(handle, "nvtxRangePop", out nint pop))
                return new Nvtx(push, pop);
        return null;
    }

    /// <summary>Opens a range; names are few and live as long as the process.</summary>
    public void Push(string name)
    {
        if (!_names.TryGetValue(name, out nint text)) _names[name] = text = Marshal.StringToCoTaskMemUTF8(name);
        _push((byte*)text);
    }

    /// <summary>Closes the range that was opened last.</summary>
    public void Pop() => _pop();
}
