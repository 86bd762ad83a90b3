namespace Cfr.Bench;

/// <summary>Memory of this process.</summary>
static class ProcessMemory
{
    /// <summary>Most bytes that it ever had resident.</summary>
    public static long Peak()
    {
        const string Key = "VmHWM:";
        string line = File.ReadLines("/proc/self/status").First(entry => entry.StartsWith(Key));
        return long.Parse(line.AsSpan(Key.Length).TrimEnd("kB").Trim()) * 1024;
    }
}
