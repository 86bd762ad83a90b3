using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>What a global in a pickle may stand for: a value of this enumeration, never code.</summary>
enum PickleGlobal
{
    OrderedDict,
    RebuildTensor,
    RebuildTensorV2,
    RebuildParameter,
    Size,
    Device,
    ElementType,
    TypedStorage,
    FloatStorage,
    DoubleStorage,
    HalfStorage,
    BFloat16Storage,
    LongStorage,
    IntStorage,
    ShortStorage,
    CharStorage,
    ByteStorage,
    BoolStorage,
    UntypedStorage,
}

/// <summary>The globals that occur in state dicts. All others are refused, by name.</summary>
static class PickleGlobals
{
    static readonly Dictionary<(string Module, string Name), PickleGlobal> Known = new()
    {
        [("collections", "OrderedDict")] = PickleGlobal.OrderedDict,
        [("torch._utils", "_rebuild_tensor")] = PickleGlobal.RebuildTensor,
        [("torch._utils", "_rebuild_tensor_v2")] = PickleGlobal.RebuildTensorV2,
        [("torch._utils", "_rebuild_parameter")] = PickleGlobal.RebuildParameter,
        [("torch", "Size")] = PickleGlobal.Size,
        [("torch", "device")] = PickleGlobal.Device,
        [("torch", "FloatStorage")] = PickleGlobal.FloatStorage,
        [("torch", "DoubleStorage")] = PickleGlobal.DoubleStorage,
        [("torch", "HalfStorage")] = PickleGlobal.HalfStorage,
        [("torch", "BFloat16Storage")] = PickleGlobal.BFloat16Storage,
        [("torch", "LongStorage")] = PickleGlobal.LongStorage,
        [("torch", "IntStorage")] = PickleGlobal.IntStorage,
        [("torch", "ShortStorage")] = PickleGlobal.ShortStorage,
        [("torch", "CharStorage")] = PickleGlobal.CharStorage,
        [("torch", "ByteStorage")] = PickleGlobal.ByteStorage,
        [("torch", "BoolStorage")] = PickleGlobal.BoolStorage,
        [("torch.storage", "UntypedStorage")] = PickleGlobal.UntypedStorage,
        [("torch.storage", "TypedStorage")] = PickleGlobal.TypedStorage,
        [("torch", "float32")] = PickleGlobal.ElementType,
        [("torch", "float64")] = PickleGlobal.ElementType,
        [("torch", "float16")] = PickleGlobal.ElementType,
        [("torch", "bfloat16")] = PickleGlobal.ElementType,
        [("torch", "int64")] = PickleGlobal.ElementType,
        [("torch", "int32")] = PickleGlobal.ElementType,
        [("torch", "int16")] = PickleGlobal.ElementType,
        [("torch", "int8")] = PickleGlobal.ElementType,
        [("torch", "uint8")] = PickleGlobal.ElementType,
        [("torch", "bool")] = PickleGlobal.ElementType,
    };

    public static PickleGlobal? Find(string module, string name) =>
        Known.TryGetValue((module, name), out PickleGlobal global) ? global : null;

    /// <summary>Element type of a storage class; none if the global is no storage class with a type.</summary>
    public static DType? StorageType(PickleGlobal global) => global switch
    {
        PickleGlobal.FloatStorage => DType.Float32,
        PickleGlobal.DoubleStorage => DType.Float64,
        PickleGlobal.HalfStorage => DType.Float16,
        PickleGlobal.BFloat16Storage => DType.BFloat16,
        PickleGlobal.LongStorage => DType.Int64,
        PickleGlobal.IntStorage => DType.Int32,
        PickleGlobal.ShortStorage => DType.Int16,
        PickleGlobal.CharStorage => DType.Int8,
        PickleGlobal.ByteStorage or PickleGlobal.UntypedStorage => DType.UInt8,
        PickleGlobal.BoolStorage => DType.Bool,
        _ => null,
    };
}
