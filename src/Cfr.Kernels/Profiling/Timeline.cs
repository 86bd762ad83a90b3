using System.Text.Json;

namespace Cfr.Kernels.Profiling;

/// <summary>Something that took time, on the host or on the device.</summary>
/// <param name="Name">A call, a copy, a wait, or a GPU kernel.</param>
/// <param name="Call">Of a GPU kernel: the call that launched it.</param>
/// <param name="Sizes">What the call worked on.</param>
/// <param name="Start">Seconds since the profile began.</param>
/// <param name="Seconds">How long.</param>
/// <param name="OnDevice">True for a GPU kernel.</param>
public readonly record struct TimelineEntry(string Name, string Call, string Sizes, double Start, double Seconds, bool OnDevice);

/// <summary>What ran when, for Perfetto (ui.perfetto.dev) or <c>chrome://tracing</c>: a track of the host, one of the device.</summary>
public sealed class Timeline
{
    /// <summary>What comes later is counted, not kept: a viewer has its limits too.</summary>
    public const int MostEntries = 500_000;

    const int HostTrack = 1, DeviceTrack = 2;

    readonly List<TimelineEntry> _entries = [];

    /// <summary>What is kept.</summary>
    public IReadOnlyList<TimelineEntry> Entries => _entries;

    /// <summary>How much was not kept.</summary>
    public long Dropped { get; private set; }

    internal void Add(TimelineEntry entry)
    {
        if (_entries.Count < MostEntries) _entries.Add(entry);
        else Dropped++;
    }

    /// <summary>Writes the trace-event format: complete events with microseconds.</summary>
    public void Write(Stream stream)
    {
        const double Microseconds = 1e6;
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteStartArray("traceEvents");
        NameTrack(json, HostTrack, "host calls");
        NameTrack(json, DeviceTrack, "kernels");
        foreach (TimelineEntry entry in _entries)
        {
            json.WriteStartObject();
            json.WriteString("name", entry.Name);
            json.WriteString("ph", "X");
            json.WriteNumber("ts", Math.Round(entry.Start * Microseconds, 3));
            json.WriteNumber("dur", Math.Round(entry.Seconds * Microseconds, 3));
            json.WriteNumber("pid", 1);
            json.WriteNumber("tid", entry.OnDevice ? DeviceTrack : HostTrack);
            json.WriteStartObject("args");
            if (entry.Call.Length > 0) json.WriteString("call", entry.Call);
            if (entry.Sizes.Length > 0) json.WriteString("sizes", entry.Sizes);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void NameTrack(Utf8JsonWriter json, int track, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", "thread_name");
        json.WriteString("ph", "M");
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", track);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
