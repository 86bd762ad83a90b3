using System.Diagnostics;
using System.Runtime.InteropServices;
using Cfr.Kernels.Cuda.Driver;

namespace Cfr.Driver.Tests;

/// <summary>
/// The stand-in driver: compiled once with the system's C compiler, then loaded in the real one's place.
/// </summary>
static unsafe class StandIn
{
    static readonly Lazy<nint> Library = new(Build);

    /// <summary>Sets everything back; skips the test where there is no C compiler.</summary>
    public static void Reset()
    {
        if (Library.Value == 0) Assert.Skip("no C compiler (cc): the stand-in for the CUDA driver cannot be built");
        Call("reset");
    }

    public static int Links => ((delegate* unmanaged<int>)Export("links"))();

    public static int Events => ((delegate* unmanaged<int>)Export("events"))();

    public static int WrongFrees => ((delegate* unmanaged<int>)Export("wrong_frees"))();

    /// <summary>NVTX's ranges, as brackets.</summary>
    public static string Ranges => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("ranges"))())!;

    public static string[] Launches =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("log"))())!.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static void Call(string name) => ((delegate* unmanaged<void>)Export(name))();

    public static void Set(string name, int value) => ((delegate* unmanaged<int, void>)Export(name))(value);

    public static void Set(string name, int a, int b) => ((delegate* unmanaged<int, int, void>)Export(name))(a, b);

    public static void SetMemory(long bytes) => ((delegate* unmanaged<long, void>)Export("memory"))(bytes);

    public static void Reject(string kernel)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(kernel);
        ((delegate* unmanaged<nint, void>)Export("reject"))(name);
        Marshal.FreeCoTaskMem(name);
    }

    static nint Export(string name) => NativeLibrary.GetExport(Library.Value, $"stand_in_{name}");

    static nint Build()
    {
        string source = Path.Combine(AppContext.BaseDirectory, "stand_in_driver.c");
        string library = Path.Combine(AppContext.BaseDirectory, "libstandin.so");
        try
        {
            using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-w", "-o", library, source]);
            compiler.WaitForExit();
            if (compiler.ExitCode != 0) return 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return 0;
        }
        CudaDriver.Substitute = library;
        return NativeLibrary.Load(library);
    }
}
