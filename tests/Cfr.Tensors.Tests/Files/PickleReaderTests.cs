using System.Numerics;
using System.Text;
using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors.Tests.Files;

/// <summary>
/// Pickles written opcode by opcode. In these strings a character is a byte: \u0080 is PROTO, 'c' GLOBAL, 'R' REDUCE.
/// </summary>
public class PickleReaderTests
{
    const string Proto = "\u0080\u0002";
    const string OrderedDict = "ccollections\nOrderedDict\n";
    const string RebuildTensor = "ctorch._utils\n_rebuild_tensor_v2\n";
    const string Storage = "(U\u0007storage";
    const string Floats = "ctorch\nFloatStorage\nU\u00010U\u0003cpu";
    const string FloatStorage = Storage + Floats + "K\u000atQ";

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "getcwd")]
    [InlineData("nt", "getcwd")]
    [InlineData("builtins", "eval")]
    [InlineData("__builtin__", "getattr")]
    [InlineData("torch", "load")]
    [InlineData("torch._utils", "_rebuild_tensor_v2.__globals__")]
    [InlineData("torch._utils", "_rebuild_sparse_tensor")]
    [InlineData("argparse", "Namespace")]
    [InlineData("numpy.core.multiarray", "scalar")]
    public void A_global_that_no_state_dict_needs_is_refused_by_name(string module, string name)
    {
        string refusal = $"refused global '{module} {name}'";
        Assert.Contains(refusal, Refusal($"{Proto}c{module}\n{name}\n)R."));
        string stackGlobal = $"\u008c{(char)module.Length}{module}\u008c{(char)name.Length}{name}\u0093";
        Assert.Contains(refusal, Refusal($"\u0080\u0004{stackGlobal})R."));
        Assert.Contains("torch.save(model.state_dict(), path)", Refusal($"{Proto}c{module}\n{name}\n)R."));
    }

    [Theory]
    [InlineData("(i os\nsystem\n.", "0x69 (Inst)")]
    [InlineData("(o.", "0x6f (Obj)")]
    [InlineData(")\u0081.", "0x81 (NewObj)")]
    [InlineData("))}\u0092.", "0x92 (NewObjEx)")]
    [InlineData("\u0082\u0001.", "0x82 (Ext1)")]
    [InlineData("P0\n.", "0x50 (PersId)")]
    [InlineData("K\u00012.", "0x32 (Dup)")]
    [InlineData("\u0000.", "0x00 (unknown)")]
    public void An_opcode_that_no_state_dict_needs_is_refused_by_name(string pickle, string opcode) =>
        Assert.Contains($"found opcode {opcode}, which does not occur in state dicts", Refusal(Proto + pickle));

    [Theory]
    [InlineData("h\u0005.", "memo slot 5 was never set")]
    [InlineData("j\u0001\u0002\u0003\u0004.", "memo slot 67305985 was never set")]
    [InlineData("q\u0000.", "the stack has too few values")]
    [InlineData(".", "the stack has too few values")]
    [InlineData("K\u0001\u0086.", "the stack has too few values")]
    [InlineData("K\u0001K\u0002(\u0086.", "the stack has too few values")]
    [InlineData("K\u0001(.", "the stack has too few values")]
    [InlineData("]K\u0001e.", "a mark is missing")]
    [InlineData("K\u0001K\u0002a.", "no list")]
    [InlineData("]K\u0001K\u0002s.", "no dict")]
    [InlineData("}(K\u0001u.", "a key has no value")]
    [InlineData("}}b.", "no OrderedDict")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ffabc.", "expected 4294967295 more bytes, 4 are left")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffabc.", "expected 18446744073709551615 more")]
    [InlineData("cos", "the name of a global does not end")]
    [InlineData("K", "expected 1 more bytes, 0 are left")]
    [InlineData("K\u0001", "expected 1 more bytes, 0 are left")]
    [InlineData("\u0080\u0001.", "found protocol 1, expected 2 to 5")]
    [InlineData("K\u0001K\u0002\u0093.", "the name of a global is no string")]
    [InlineData("K\u0001)R.", "something is called that is no known global")]
    [InlineData("K\u0001Q.", "persistent id")]
    public void A_damaged_pickle_is_refused(string pickle, string reason) =>
        Assert.Contains(reason, Refusal(Proto + pickle));

    [Theory]
    [InlineData(OrderedDict + "K\u0001\u0085R.", "'OrderedDict' is called with 1 arguments")]
    [InlineData(OrderedDict + "]K\u0001a\u0085R.", "no pairs")]
    [InlineData("ctorch\nFloatStorage\n)R.", "'FloatStorage' is called")]
    [InlineData("ctorch\nFloatStorage\n}b.", "no OrderedDict")]
    [InlineData(RebuildTensor + "(K\u0001K\u0000))\u0089NtR.", "no storage")]
    [InlineData(RebuildTensor + "(" + FloatStorage + "K\u0000K\u0005)\u0089NtR.", "as many strides")]
    [InlineData(RebuildTensor + "(" + FloatStorage + "K\u0000K\u0005\u0085)\u0089NtR.", "as many strides")]
    [InlineData(RebuildTensor + "(" + FloatStorage + "K\u0000U\u0001x\u0085K\u0001\u0085\u0089NtR.", "no integer")]
    [InlineData(RebuildTensor + "(" + FloatStorage + "\u0088K\u0001\u0085K\u0001\u0085\u0089NtR.", "an offset")]
    [InlineData(Storage + "ctorch.storage\nTypedStorage\nU\u00010U\u0003cpuK\u000atQ.", "'TypedStorage' has no type")]
    [InlineData(Storage + "ctorch\nSize\nU\u00010U\u0003cpuK\u000atQ.", "'Size' has no type of")]
    [InlineData(Storage + Floats + "J\u00ff\u00ff\u00ff\u00fftQ.", "found -1 elements")]
    [InlineData(Storage + Floats + "K\u000a(U\u0001vK\u0005K\u0006ttQ.", "found 6 elements at 5 of it, it has 10")]
    [InlineData(Storage + Floats + "K\u000aNNtQ.", "persistent id")]
    [InlineData(Storage + Floats + "K\u000aK\u0001tQ.", "found a view that is no")]
    public void A_call_with_wrong_arguments_is_refused(string pickle, string reason) =>
        Assert.Contains(reason, Refusal(Proto + pickle));

    [Fact]
    public void A_list_copied_again_and_again_is_refused()
    {
        var pickle = new StringBuilder(Proto + OrderedDict + "q\u0000](");
        for (int i = 0; i < 1000; i++) pickle.Append("K\u0001K\u0002\u0086");
        pickle.Append("e\u0085q\u0001");
        for (int i = 0; i < 1000; i++) pickle.Append("h\u0000h\u0001R");
        Assert.Contains("more items are copied than the file can hold", Refusal(pickle.Append('.').ToString()));
    }

    [Fact]
    public void Deep_nesting_and_cycles_do_no_harm()
    {
        Assert.IsType<PickleTuple>(Read(Proto + "K\u0001" + new string('\u0085', 1_000_000) + "."));
        string appendItself = string.Concat(Enumerable.Repeat("h\u0000a", 100_000));
        Assert.IsType<PickleList>(Read(Proto + "]q\u0000" + appendItself + "."));
        Assert.Contains("too few values", Refusal(Proto + new string('(', 1_000_000) + "."));
    }

    [Theory]
    [InlineData("N.", null)]
    [InlineData("\u0088.", true)]
    [InlineData("J\u00fe\u00ff\u00ff\u00ff.", -2L)]
    [InlineData("M\u00ff\u00ff.", 65535L)]
    [InlineData("\u008a\u0000.", 0L)]
    [InlineData("\u008a\u0001\u00ff.", -1L)]
    [InlineData("G\u003f\u00f8\u0000\u0000\u0000\u0000\u0000\u0000.", 1.5)]
    [InlineData("X\u0002\u0000\u0000\u0000\u00c3\u00a9.", "é")]
    public void Plain_values_are_read(string pickle, object? value) => Assert.Equal(value, Read(Proto + pickle));

    [Fact]
    public void A_long_integer_is_read() =>
        Assert.Equal(BigInteger.Pow(2, 64), Read(Proto + "\u008a\u0009\0\0\0\0\0\0\0\0\u0001."));

    [Fact]
    public void Data_that_newer_files_hold_beside_tensors_is_read()
    {
        Assert.IsType<PickleTuple>(Read(Proto + "ctorch\nSize\nK\u0002K\u0003\u0086\u0085R."));
        Assert.Equal(PickleGlobal.Device, Read(Proto + "ctorch\ndevice\nU\u0004cudaK\u0000\u0086R."));
        Assert.Equal(PickleGlobal.ElementType, Read(Proto + "ctorch\nfloat32\n."));
    }

    [Fact]
    public void Tensors_are_described_not_built()
    {
        var tensor = Assert.IsType<TorchTensor>(
            Read(Proto + RebuildTensor + "(" + FloatStorage + "K\u0003K\u0002\u0085K\u0001\u0085\u0089NtR."));
        Assert.Equal((3, 10, DType.Float32), (tensor.Offset, tensor.PartCount, tensor.Storage.Type));
        var parameter = Read(Proto + "ctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_tensor\n("
            + FloatStorage + "K\u0003K\u0002\u0085K\u0001\u0085tR\u0088" + OrderedDict + ")RtR.");
        Assert.Equal([2], Assert.IsType<TorchTensor>(parameter).Shape);
    }

    [Fact]
    public void A_view_of_a_storage_in_a_very_old_file_starts_at_its_offset()
    {
        string storage = FloatStorage.Replace("tQ", "(U\u0001vK\u0004K\u0005ttQ");
        object? value = Read(Proto + RebuildTensor + "(" + storage + "K\u0001K\u0002\u0085K\u0001\u0085\u0089NtR.");
        var tensor = Assert.IsType<TorchTensor>(value);
        Assert.Equal((4, 5, 1), (tensor.PartStart, tensor.PartCount, tensor.Offset));
    }

    [Theory]
    [InlineData("K\u0001.", "found a Int64, expected a mapping of names to tensors")]
    [InlineData("}(U\u0005epochK\u0001U\u0004argsNu.", "keys [epoch, args], expected tensors by name in it or under")]
    public void A_checkpoint_without_tensors_is_refused(string root, string reason)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(reason, folder.Refusal(Legacy(root, "]", [])));
    }

    [Theory]
    [InlineData("]", new byte[0], "tensor 'w': the file has no storage '0'")]
    [InlineData("](U\u00010U\u00011e", new byte[0], "the file ends before storage '0'")]
    [InlineData("]U\u00011a", new byte[0], "storage key '1' is used by no tensor")]
    [InlineData("]U\u00010a", new byte[] { 11, 0, 0, 0, 0, 0, 0, 0 }, "storage '0': found 11 elements, expected 10")]
    [InlineData("]U\u00010a", new byte[] { 10, 0, 0, 0, 0, 0, 0, 0, 1 }, "storage '0': 1 bytes are left, expected 10")]
    public void A_legacy_file_whose_storages_do_not_fit_is_refused(string keys, byte[] data, string reason)
    {
        using var folder = new TemporaryFolder();
        string root = "}U\u0001w" + RebuildTensor + "(" + FloatStorage + "K\u0000K\u0002\u0085K\u0001\u0085\u0089NtRs.";
        Assert.Contains(reason, folder.Refusal(Legacy(root, keys, data)));
    }

    [Theory]
    [InlineData("w", "w")]
    [InlineData("module.w", "w")]
    [InlineData("sam.w", "w")]
    [InlineData("module.sam.w", "w")]
    [InlineData("modulew", "modulew")]
    public void A_common_prefix_of_wrappers_is_taken_off(string name, string want)
    {
        using var folder = new TemporaryFolder();
        byte[] checkpoint = OneTensor(name, shape: "K\u0002\u0085", strides: "K\u0001\u0085");
        using var file = WeightFile.Open(folder.File("t", checkpoint));
        Assert.Equal([want], file.Tensors.Keys);
    }

    [Fact]
    public void Views_that_repeat_a_few_elements_without_end_are_refused()
    {
        using var folder = new TemporaryFolder();
        string size = "\u008a\u0008\0\0\0\0\0\0\0\u0010";
        byte[] endless = OneTensor("w", shape: size + "\u0085", strides: "K\u0000\u0085");
        byte[] overflowing = OneTensor("w", shape: size + size + "\u0086", strides: "K\u0000K\u0000\u0086");
        Assert.Contains("tensor 'w': tensors repeat too little data too often", folder.Refusal(endless));
        Assert.Contains("is not possible", folder.Refusal(overflowing));
    }

    [Fact]
    public void A_plain_pickle_and_another_byte_order_are_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("its magic number is missing", folder.Refusal(Encoding.Latin1.GetBytes(Proto + "}.")));
        byte[] bigEndian = Legacy("}.", "]", []);
        bigEndian[bigEndian.AsSpan().IndexOf("little_endian"u8) + 13] = (byte)PickleOpcode.NewFalse;
        Assert.Contains("other byte orders are not supported", folder.Refusal(bigEndian));
    }

    static byte[] OneTensor(string name, string shape, string strides) => Legacy(
        $"}}U{(char)name.Length}{name}{RebuildTensor}({FloatStorage}K\u0000{shape}{strides}\u0089NtRs.", "]U\u00010a",
        [10, 0, 0, 0, 0, 0, 0, 0, .. new byte[40]]);

    /// <summary>A legacy checkpoint around an object, a list of storage keys and the data.</summary>
    static byte[] Legacy(string root, string keys, byte[] data) =>
    [
        .. Encoding.Latin1.GetBytes(Proto + "\u008a\u000a\u006c\u00fc\u009c\u0046\u00f9\u0020\u006a\u00a8\u0050\u0019."
            + Proto + "M\u00e9\u0003." + Proto + "}U\u000dlittle_endian\u0088s." + Proto + root + Proto + keys + "."),
        .. data,
    ];

    static string Refusal(string pickle) => Assert.Throws<WeightFileException>(() => Read(pickle)).Message;

    static object? Read(string pickle)
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Encoding.Latin1.GetBytes(pickle);
        using var file = new MappedFile(folder.File("t", bytes));
        var reader = new PickleReader(file, file.Span(0, bytes.Length), reference =>
            new TorchStorage(reference.Key, reference.Type, reference.Count));
        return reader.Read();
    }
}
