using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Configuration;

/// <summary>
/// Settings from JSON with comments. A key that means nothing is an error that lists those that do; so is a missing or
/// impossible value.
/// </summary>
public static class ConfigurationFile
{
    static readonly JsonDocumentOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
    };

    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        Converters =
        {
            new GridSizeConverter(), new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false),
        },
    };

    /// <summary>Reads settings.</summary>
    /// <param name="path">The file.</param>
    /// <param name="changes">
    /// Settings to put in the place of the file's: <c>key=value</c>, dots between the keys of nested objects, the value in
    /// JSON or, if it is none, as text.
    /// </param>
    /// <exception cref="BadDataException">The file is no such settings.</exception>
    /// <exception cref="ArgumentException">A change is none.</exception>
    public static T Read<T>(string path, IEnumerable<string>? changes = null) =>
        Parse<T>(path, File.ReadAllText(path), changes);

    /// <summary>Reads settings from a text; <paramref name="source"/> names it in messages.</summary>
    /// <inheritdoc cref="Read"/>
    public static T Parse<T>(string source, string text, IEnumerable<string>? changes = null)
    {
        try
        {
            JsonObject settings = Object(source, text);
            KeyLines lines = KeyLines.Of(text);
            foreach (string change in changes ?? []) Change(settings, change, lines);
            return Settings<T>(source, settings, lines);
        }
        catch (JsonException error)
        {
            throw new BadDataException($"{source}: {Where(error)}{Reason(error)}", error);
        }
    }

    /// <summary>The object in a text of JSON with comments.</summary>
    internal static JsonObject Object(string source, string text) =>
        JsonNode.Parse(text, documentOptions: Lenient) as JsonObject
        ?? throw new BadDataException($"{source}: found no JSON object; expected settings in braces");

    /// <summary>Settings from an object.</summary>
    /// <param name="source">Names it in messages.</param>
    /// <param name="settings">The object.</param>
    /// <param name="lines">Where its keys stand.</param>
    /// <param name="path">The keys that lead to it, with a dot behind each.</param>
    /// <param name="taken">Keys that may stand there too, but were taken out: messages list them.</param>
    internal static T Settings<T>(
        string source, JsonObject settings, KeyLines lines, string path = "", params IEnumerable<string> taken)
    {
        Check(source, settings, typeof(T), path, lines, taken);
        try
        {
            return settings.Deserialize<T>(Options)!;
        }
        catch (JsonException error)
        {
            throw new BadDataException($"{source}: {lines.At(path.TrimEnd('.'))}{Where(error)}{Reason(error)}", error);
        }
    }

    /// <summary>The settings as JSON, defaults included.</summary>
    public static string Write<T>(T settings) => JsonSerializer.Serialize(settings, Options) + "\n";

    /// <summary>Keys (with dots) of whatever differs between two settings of the same kind.</summary>
    public static IReadOnlyList<string> Differences<T>(T first, T second)
    {
        var keys = new List<string>();
        Compare("", JsonSerializer.SerializeToNode(first, Options), JsonSerializer.SerializeToNode(second, Options));
        return keys;

        void Compare(string key, JsonNode? a, JsonNode? b)
        {
            if (a is JsonObject left && b is JsonObject right)
            {
                foreach (string name in left.Select(entry => entry.Key).Union(right.Select(entry => entry.Key)))
                    Compare(key == "" ? name : $"{key}.{name}", left[name], right[name]);
            }
            else if (!JsonNode.DeepEquals(a, b))
            {
                keys.Add(key);
            }
        }
    }

    internal static void Change(JsonObject settings, string change, KeyLines lines)
    {
        int equals = change.IndexOf('=');
        if (equals < 1) throw new ArgumentException($"--set {change}: expected KEY=VALUE");
        string[] keys = change[..equals].Split('.');
        lines.Forget(change[..equals]);
        foreach (string key in keys[..^1])
        {
            if (settings[key] is null) settings[key] = new JsonObject();
            settings = settings[key] as JsonObject
                ?? throw new ArgumentException($"--set {change}: '{key}' is no object, so there is nothing in it to set");
        }
        settings[keys[^1]] = Value(change[(equals + 1)..]);
    }

    static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    /// <summary>Each key must be known, each value of its kind.</summary>
    static void Check(
        string source, JsonObject settings, Type type, string path, KeyLines lines, params IEnumerable<string> taken)
    {
        var known = Options.GetTypeInfo(type).Properties.Where(property => property.Set is not null)
            .ToDictionary(property => property.Name, property => property.PropertyType);
        foreach (JsonPropertyInfo property in Options.GetTypeInfo(type).Properties)
            if (property.IsRequired && !settings.ContainsKey(property.Name))
                throw new BadDataException($"{source}: {lines.At(path.TrimEnd('.'))}{path}{property.Name} is missing");
        foreach (var (key, value) in settings)
        {
            string line = lines.At(path + key);
            if (!known.TryGetValue(key, out Type? wanted))
            {
                string[] names = [.. known.Keys, .. taken];
                throw new BadDataException(
                    $"{source}: {line}unknown key '{path}{key}'; {Nearest.Suggestion(key, names)}known here are {string.Join(", ", names)}");
            }
            wanted = Nullable.GetUnderlyingType(wanted) ?? wanted;
            JsonTypeInfo kind = Options.GetTypeInfo(wanted);
            if (kind.Kind == JsonTypeInfoKind.Dictionary && value is JsonObject named && named.All(entry => entry.Value is JsonObject))
            {
                foreach (var (name, each) in named) Check(source, (JsonObject)each!, kind.ElementType!, $"{path}{key}.{name}.", lines);
                continue;
            }
            bool isObject = kind.Kind == JsonTypeInfoKind.Object;
            if (isObject && value is JsonObject nested) Check(source, nested, wanted, $"{path}{key}.", lines);
            else if (value is not null && (isObject || !Fits(value, wanted)))
                throw new BadDataException($"{source}: {line}{path}{key}: found {value.ToJsonString()}; expected {Expected(wanted)}");
        }
    }

    static bool Fits(JsonNode value, Type wanted)
    {
        try
        {
            value.Deserialize(wanted, Options);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    static string Expected(Type type) =>
        type.IsEnum ? $"one of {string.Join(", ", Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.Serialize(value, type, Options).Trim('"')))}"
        : type == typeof(GridSize) ? "three whole numbers, along the axes 0, 1, 2"
        : type == typeof(bool) ? "true or false"
        : type == typeof(string) ? "a text"
        : type == typeof(float) || type == typeof(double) ? "a number"
        : type.IsPrimitive ? $"a whole number that fits {8 * System.Runtime.InteropServices.Marshal.SizeOf(type)} bits"
        : "an object, in braces";

    static string Where(JsonException error) =>
        error.Path is { Length: > 2 } path ? $"{path[2..]}: "
        : error.LineNumber is { } line ? $"line {line + 1}: " : "";

    static string Reason(JsonException error)
    {
        string message = error.Message.ReplaceLineEndings(" ");
        int details = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return details < 0 ? message : message[..details];
    }
}
