using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Cfr.Tensors.Files;

/// <summary>
/// The pickle machine, restricted to what a state dict needs: values, containers, and the globals of
/// <see cref="PickleGlobals"/>, which <see cref="TorchObjects"/> turns into tensors. Nothing in a file is executed, no
/// recursion depends on a file, and memory is bounded by the length of the pickle.
/// </summary>
ref struct PickleReader(MappedFile file, ReadOnlySpan<byte> bytes, Func<StorageReference, TorchStorage> findStorage)
{
    const int OldestProtocol = 2, NewestProtocol = 5;
    const int LongestGlobal = 512;

    readonly ReadOnlySpan<byte> _bytes = bytes;
    readonly TorchObjects _objects = new(file, findStorage, bytes.Length);
    readonly Dictionary<uint, object?> _memo = [];
    readonly List<object?> _stack = [];
    readonly List<int> _marks = [];

    /// <summary>Where the next pickle starts.</summary>
    public int Position { get; private set; }

    /// <summary>Reads one pickle up to its STOP.</summary>
    /// <exception cref="WeightFileException">It is damaged, or holds more than tensors and plain values.</exception>
    public object? Read()
    {
        _memo.Clear();
        _stack.Clear();
        _marks.Clear();
        while (true)
        {
            _objects.Position = Position;
            var opcode = (PickleOpcode)Take(1)[0];
            if (opcode == PickleOpcode.Stop) return Pop();
            Execute(opcode);
        }
    }

    void Execute(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                int protocol = Take(1)[0];
                if (protocol is < OldestProtocol or > NewestProtocol)
                    throw Invalid($"found protocol {protocol}, expected {OldestProtocol} to {NewestProtocol}");
                break;
            case PickleOpcode.Frame: Take(8); break; // a hint for readers of streams

            case PickleOpcode.None: Push(null); break;
            case PickleOpcode.NewTrue: Push(true); break;
            case PickleOpcode.NewFalse: Push(false); break;
            case PickleOpcode.BinInt: Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case PickleOpcode.BinInt1: Push((long)Take(1)[0]); break;
            case PickleOpcode.BinInt2: Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case PickleOpcode.Long1: PushInteger(Take(Take(1)[0])); break;
            case PickleOpcode.BinFloat: Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case PickleOpcode.ShortBinString: // str of Python 2
            case PickleOpcode.ShortBinUnicode: Push(Text(Take(1)[0])); break;
            case PickleOpcode.BinString:
            case PickleOpcode.BinUnicode: Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case PickleOpcode.BinUnicode8: Push(Text(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)))); break;

            case PickleOpcode.EmptyTuple: Push(new PickleTuple([])); break;
            case PickleOpcode.Tuple1: Push(new PickleTuple(PopItems(1))); break;
            case PickleOpcode.Tuple2: Push(new PickleTuple(PopItems(2))); break;
            case PickleOpcode.Tuple3: Push(new PickleTuple(PopItems(3))); break;
            case PickleOpcode.Tuple: Push(new PickleTuple(PopToMark())); break;
            case PickleOpcode.Mark: _marks.Add(_stack.Count); break;
            case PickleOpcode.EmptyList: Push(new PickleList()); break;
            case PickleOpcode.Append: Append(PopItems(1)); break;
            case PickleOpcode.Appends: Append(PopToMark()); break;
            case PickleOpcode.EmptyDict: Push(new PickleDict(ordered: false)); break;
            case PickleOpcode.SetItem: SetItems(PopItems(2)); break;
            case PickleOpcode.SetItems: SetItems(PopToMark()); break;

            case PickleOpcode.BinPut: _memo[Take(1)[0]] = Peek(); break;
            case PickleOpcode.LongBinPut: _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Peek(); break;
            case PickleOpcode.Memoize: _memo[(uint)_memo.Count] = Peek(); break;
            case PickleOpcode.BinGet: PushMemo(Take(1)[0]); break;
            case PickleOpcode.LongBinGet: PushMemo(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;

            case PickleOpcode.Global: PushGlobal(Line(), Line()); break;
            case PickleOpcode.StackGlobal: PushStackGlobal(PopItems(2)); break;
            case PickleOpcode.BinPersId: Push(_objects.Storage(Pop())); break;
            case PickleOpcode.Reduce: Reduce(PopItems(2)); break;
            case PickleOpcode.Build: Build(Pop()); break;

            default:
                string name = Enum.IsDefined(opcode) ? opcode.ToString() : "unknown";
                throw Invalid($"found opcode 0x{(byte)opcode:x2} ({name}), which does not occur in state dicts");
        }
    }

    ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - Position))
            throw Invalid($"expected {count} more bytes, {_bytes.Length - Position} are left: truncated or damaged");
        ReadOnlySpan<byte> taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    readonly void Push(object? value) => _stack.Add(value);

    object? Pop() => PopItems(1)[0];

    readonly object? Peek() => _stack.Count > Bottom ? _stack[^1] : throw Underflow();

    /// <summary>Values below the last mark are out of reach.</summary>
    readonly int Bottom => _marks.Count > 0 ? _marks[^1] : 0;

    readonly object?[] PopItems(int count)
    {
        if (_stack.Count - Bottom < count) throw Underflow();
        object?[] items = CollectionsMarshal.AsSpan(_stack)[^count..].ToArray();
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    readonly object?[] PopToMark()
    {
        if (_marks.Count == 0) throw Invalid("a mark is missing");
        object?[] items = PopItems(_stack.Count - Bottom);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    readonly void PushMemo(uint slot)
    {
        if (!_memo.TryGetValue(slot, out object? value)) throw Invalid($"memo slot {slot} was never set");
        Push(value);
    }

    readonly void PushInteger(ReadOnlySpan<byte> littleEndian)
    {
        var value = new BigInteger(littleEndian);
        Push(value >= long.MinValue && value <= long.MaxValue ? (long)value : (object)value);
    }

    string Text(ulong length) => Encoding.UTF8.GetString(Take(length));

    string Line()
    {
        ReadOnlySpan<byte> rest = _bytes[Position..];
        int length = rest[..Math.Min(rest.Length, LongestGlobal)].IndexOf((byte)'\n');
        if (length < 0) throw Invalid("the name of a global does not end");
        string line = Text((ulong)length);
        Position++;
        return line;
    }

    readonly void PushGlobal(string module, string name)
    {
        if (PickleGlobals.Find(module, name) is not { } global)
            throw Invalid($"refused global '{module} {name}': it does not occur in state dicts, and nothing in a file"
                + " is executed; save the tensors alone: torch.save(model.state_dict(), path)");
        Push(global);
    }

    readonly void PushStackGlobal(object?[] names)
    {
        if (names is not [string module, string name]) throw Invalid("the name of a global is no string");
        PushGlobal(module, name);
    }

    readonly void Append(object?[] items)
    {
        if (Peek() is not PickleList list) throw Invalid("items are appended to something that is no list");
        list.Items.AddRange(items);
    }

    readonly void SetItems(object?[] items)
    {
        if (Peek() is not PickleDict dict) throw Invalid("items are set in something that is no dict");
        if (items.Length % 2 != 0) throw Invalid("a key has no value");
        for (int i = 0; i < items.Length; i += 2) dict.Items.Add((items[i], items[i + 1]));
    }

    readonly void Reduce(object?[] call)
    {
        if (call is not [PickleGlobal global, PickleTuple arguments])
            throw Invalid("something is called that is no known global, or not with a tuple");
        Push(_objects.Call(global, arguments.Items));
    }

    /// <summary>Attributes: the OrderedDict of a state dict has them (its _metadata); they hold no tensors.</summary>
    readonly void Build(object? attributes)
    {
        if (Peek() is not PickleDict { Ordered: true } || attributes is not PickleDict)
            throw Invalid("attributes are set on something that is no OrderedDict");
    }

    readonly WeightFileException Underflow() => Invalid("the stack has too few values");

    readonly WeightFileException Invalid(string reason) => _objects.Invalid(reason);
}
