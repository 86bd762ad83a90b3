using Cfr.Kernels.Profiling;

namespace Cfr.Cli;

/// <summary>A profile as a table of fixed columns, a line a kernel, below it the GPU's kernels where there are several.</summary>
static class ProfileTable
{
    const double Giga = 1e9, Tera = 1e12;

    /// <summary>Writes what <paramref name="profiler"/> has seen.</summary>
    public static void Write(TextWriter output, Profiler profiler, string device, bool bySizes)
    {
        IReadOnlyList<ProfileRow> rows = profiler.Rows(bySizes);
        var total = new ProfileRow(
            "total", "", rows.Sum(row => row.Calls), rows.Sum(row => row.Seconds), rows.Sum(row => row.Flop),
            rows.Sum(row => row.Bytes), profiler.Roofline is null ? null : rows.Sum(row => row.LeastSeconds), []);
        output.WriteLine($"\n{device}");
        if (profiler.Roofline is { } roofline)
            output.WriteLine(
                $"roofline, measured: {roofline.FlopPerSecond / Tera:G3} TFLOP/s in a product, {roofline.BytesPerSecond / Giga:G3} GB/s in a copy");
        else if (profiler.NoRoofline is { } reason) output.WriteLine($"roofline: not measured, {reason}");
        string[] names = [.. rows.SelectMany(row => row.Kernels.Select(kernel => Indented(kernel)).Prepend(Title(row))), total.Name];
        int width = names.Max(name => name.Length);
        output.WriteLine(
            $"\n{"kernel".PadRight(width)} {"calls",8} {"ms",11} {"share",6} {"GFLOP",10} {"GB",9} {"TFLOP/s",8} {"GB/s",7} {"roofline",8}");
        foreach (ProfileRow row in rows)
        {
            WriteRow(output, row, total.Seconds, width);
            foreach (KernelTime kernel in row.Kernels)
                output.WriteLine(
                    $"{Indented(kernel).PadRight(width)} {kernel.Launches,8} {kernel.Seconds * 1e3,11:F3} {Share(kernel.Seconds, total.Seconds),6}");
        }
        WriteRow(output, total, total.Seconds, width);
        double outside = Math.Max(0, profiler.Seconds - total.Seconds);
        output.WriteLine($"\nnot in kernels: {outside:F3} of {profiler.Seconds:F3} s ({outside / profiler.Seconds:P0})");
        foreach (var (name, work) in profiler.Host.OrderByDescending(entry => entry.Value.Seconds))
            output.WriteLine($"  the host in {name}: {work.Calls} times, {work.Seconds:F3} s{(work.Bytes > 0 ? $", {work.Bytes / Giga:G3} GB" : "")}");
    }

    static void WriteRow(TextWriter output, ProfileRow row, double whole, int width)
    {
        double seconds = Math.Max(row.Seconds, double.Epsilon);
        string flop = row.Flop > 0 ? $"{row.Flop / Giga:F3}" : "", rate = row.Flop > 0 ? $"{row.Flop / seconds / Tera:G3}" : "";
        string bytes = row.Bytes > 0 ? $"{row.Bytes / Giga:F3}" : "", bandwidth = row.Bytes > 0 ? $"{row.Bytes / seconds / Giga:G3}" : "";
        string roofline = row.LeastSeconds is { } least ? $"{least / seconds:P0}" : "";
        output.WriteLine(
            $"{Title(row).PadRight(width)} {row.Calls,8} {row.Seconds * 1e3,11:F3} {Share(row.Seconds, whole),6} {flop,10} {bytes,9} {rate,8} {bandwidth,7} {roofline,8}");
    }

    static string Title(ProfileRow row) => row.Sizes.Length > 0 ? $"{row.Name} {row.Sizes}" : row.Name;

    static string Indented(KernelTime kernel) => $"  {kernel.Name}";

    static string Share(double seconds, double whole) => whole > 0 ? $"{seconds / whole:P1}" : "";
}
