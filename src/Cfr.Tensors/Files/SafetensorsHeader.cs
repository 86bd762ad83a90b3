using System.Text.Json;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>Reads and checks the JSON header of a safetensors file.</summary>
ref struct SafetensorsHeader
{
    public const string MetadataKey = "__metadata__";

    const int Depth = 4;

    readonly MappedFile _file;
    readonly FileBytes _data;
    readonly HashSet<string> _names = [];
    readonly Dictionary<string, string> _metadata = [];
    readonly List<Entry> _entries = [];
    Utf8JsonReader _json;

    SafetensorsHeader(MappedFile file, int start, int length)
    {
        _file = file;
        _data = file.All.Slice(start + length, file.Length - start - length);
        _json = new Utf8JsonReader(file.Span(start, length), new JsonReaderOptions { MaxDepth = Depth });
    }

    public static (List<StoredTensor> Tensors, Dictionary<string, string> Metadata) Parse(
        MappedFile file, int start, int length)
    {
        var header = new SafetensorsHeader(file, start, length);
        try
        {
            header.ReadEntries();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is how the reader reports a string that is not valid UTF-8.
            throw file.Invalid($"safetensors header: not valid JSON: {e.Message}", e);
        }
        header.CheckCoverage();
        return (header.Tensors(), header._metadata);
    }

    void ReadEntries()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
            throw _file.Invalid($"safetensors header: found {_json.TokenType}, expected an object");
        while (NextProperty() is { } name)
        {
            if (!_names.Add(name)) throw Invalid(name, "the name occurs twice");
            _json.Read();
            if (name == MetadataKey)
                ReadMetadata();
            else
                _entries.Add(ReadEntry(name));
        }
        _json.Read();
    }

    void ReadMetadata()
    {
        if (_json.TokenType != JsonTokenType.StartObject) throw Invalid(MetadataKey, "expected an object of strings");
        while (NextProperty() is { } key)
        {
            _json.Read();
            if (!_metadata.TryAdd(key, ReadString(MetadataKey, key)))
                throw Invalid(MetadataKey, $"{key}: occurs twice");
        }
    }

    Entry ReadEntry(string name)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Invalid(name, $"found {_json.TokenType}, expected an object with dtype, shape and data_offsets");
        string? type = null;
        long[]? shape = null, offsets = null;
        while (NextProperty() is { } key)
        {
            _json.Read();
            if (key == "dtype" && type is null)
                type = ReadString(name, key);
            else if (key == "shape" && shape is null)
                shape = ReadSizes(name, key, TensorShape.MaxRank);
            else if (key == "data_offsets" && offsets is null)
                offsets = ReadSizes(name, key, 2);
            else
                throw Invalid(name, $"found key '{key}', expected dtype, shape and data_offsets, each once");
        }
        if (type is null || shape is null || offsets is not [long begin, long end])
            throw Invalid(name, "expected dtype, shape and data_offsets [begin, end]");
        return Check(new Entry(name, shape, begin, end), type);
    }

    readonly Entry Check(Entry entry, string typeName)
    {
        if (SafetensorsFile.TypeOf(typeName) is not { } type)
            throw Invalid(entry.Name, $"found dtype '{typeName}', expected one of {SafetensorsFile.TypeNames}");
        if (!TensorShape.TryCount(entry.Shape, type.Bytes(), out long count))
            throw Invalid(entry.Name, $"shape {TensorShape.Text(entry.Shape)} is not possible");
        if (entry.Begin > entry.End || entry.End > _data.Length)
            throw Invalid(entry.Name,
                $"found data_offsets [{entry.Begin}, {entry.End}], expected a range of the {_data.Length} data bytes");
        if (entry.End - entry.Begin != count * type.Bytes())
            throw Invalid(entry.Name, $"found {entry.End - entry.Begin} data bytes, expected {count * type.Bytes()}"
                + $" for {typeName} {TensorShape.Text(entry.Shape)}");
        return entry with { Type = type, Count = count };
    }

    readonly void CheckCoverage()
    {
        long end = 0;
        foreach (Entry entry in _entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != end)
                throw Invalid(entry.Name, $"the data begins at {entry.Begin}, expected {end}: "
                    + (entry.Begin < end ? "tensors overlap" : "there is a hole before it"));
            end = entry.End;
        }
        if (end != _data.Length)
            throw _file.Invalid($"the tensors end at data byte {end}, expected {_data.Length}: bytes are left over");
    }

    readonly List<StoredTensor> Tensors()
    {
        var tensors = new List<StoredTensor>(_entries.Count);
        foreach (Entry entry in _entries)
        {
            FileBytes bytes = _data.Slice(entry.Begin, entry.End - entry.Begin);
            tensors.Add(StoredTensor.Contiguous(entry.Name, entry.Type, entry.Shape, entry.Count, bytes));
        }
        return tensors;
    }

    /// <summary>Name of the next property; none at the end of the object.</summary>
    string? NextProperty()
    {
        _json.Read();
        return _json.TokenType == JsonTokenType.PropertyName ? _json.GetString()! : null;
    }

    string ReadString(string name, string key)
    {
        if (_json.TokenType != JsonTokenType.String)
            throw Invalid(name, $"{key}: found {_json.TokenType}, expected a string");
        return _json.GetString()!;
    }

    long[] ReadSizes(string name, string key, int most)
    {
        if (_json.TokenType != JsonTokenType.StartArray) throw Invalid(name, $"{key}: expected an array");
        var sizes = new List<long>();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            bool isNumber = _json.TokenType == JsonTokenType.Number;
            if (!isNumber || !_json.TryGetInt64(out long size) || size < 0 || sizes.Count == most)
                throw Invalid(name, $"{key}: expected at most {most} whole numbers from 0 to {long.MaxValue}");
            sizes.Add(size);
        }
        return [.. sizes];
    }

    readonly WeightFileException Invalid(string name, string reason) => _file.Invalid($"tensor '{name}': {reason}");

    readonly record struct Entry(string Name, long[] Shape, long Begin, long End, DType Type = default, long Count = 0);
}
