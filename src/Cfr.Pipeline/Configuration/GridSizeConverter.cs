using System.Text.Json;
using System.Text.Json.Serialization;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Configuration;

/// <summary>Sizes along the axes 0, 1, 2 as a JSON array of three numbers.</summary>
sealed class GridSizeConverter : JsonConverter<GridSize>
{
    public override GridSize Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        int[]? sizes = JsonSerializer.Deserialize<int[]>(ref reader, options);
        return sizes is [var x, var y, var z]
            ? new GridSize(x, y, z)
            : throw new JsonException($"found {sizes?.Length ?? 0} numbers; expected three, along the axes 0, 1, 2");
    }

    public override void Write(Utf8JsonWriter writer, GridSize size, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(size.X);
        writer.WriteNumberValue(size.Y);
        writer.WriteNumberValue(size.Z);
        writer.WriteEndArray();
    }
}
