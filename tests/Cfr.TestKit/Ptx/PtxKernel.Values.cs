using System.Numerics;

namespace Cfr.TestKit.Ptx;

/// <summary>Instructions that make one value of others.</summary>
sealed partial class PtxKernel
{
    Func<PtxThread, ulong> Value(string statement, string operation, string[] operands)
    {
        string[] words = operation.Split('.');
        string name = words[0], type = words[^1];
        if (name == "mov") return Move(type, operands[1]);
        Func<PtxThread, ulong>[] sources = [.. operands[1..].Select(Source)];
        Func<PtxThread, ulong> a = sources[0], b = sources.ElementAtOrDefault(1) ?? a;
        Func<PtxThread, ulong> c = sources.ElementAtOrDefault(2) ?? b;
        switch (name)
        {
            case "selp": return thread => PtxType.Truncated(type, c(thread) != 0 ? a(thread) : b(thread));
            case "setp": return Predicate(words, a, b, c);
            case "set":
                Func<PtxThread, bool> holds = Comparison(words[1], type, a, b);
                ulong one = words[2] == "f32" ? PtxType.Bits(1f) : uint.MaxValue;
                return thread => holds(thread) ? one : 0;
            case "testp" when words[1] == "notanumber":
                return thread => double.IsNaN(PtxType.Number(type, a(thread))) ? 1ul : 0;
            case "cvt": return Converted(words, a, b);
            case "and": return thread => a(thread) & b(thread);
            case "or": return thread => a(thread) | b(thread);
            case "xor": return thread => a(thread) ^ b(thread);
            case "not": return thread => type == "pred" ? a(thread) ^ 1 : PtxType.Truncated(type, ~a(thread));
            case "shl" or "shr": return Shifted(name, type, a, b);
            case "mul" or "mad" when !PtxType.IsFloat(type):
                return Product(words[1], type, a, b, name == "mad" ? c : _ => 0);
            case "fma" or "mad" when type == "f32":
                return thread => PtxType.Bits(MathF.FusedMultiplyAdd(
                    PtxType.Float(a(thread)), PtxType.Float(b(thread)), PtxType.Float(c(thread))));
        }
        return PtxType.IsFloat(type) ? Number(statement, words, type, a, b) : Whole(statement, name, type, a, b);
    }

    /// <summary>A register's bits, or those of narrower ones put together.</summary>
    Func<PtxThread, ulong> Move(string type, string operand)
    {
        Func<PtxThread, ulong>[] parts = [.. Group(operand).Select(Source)];
        int bits = PtxType.Bytes(type) * 8 / parts.Length;
        if (parts.Length == 1) return thread => PtxType.Truncated(type, parts[0](thread));
        return thread =>
        {
            ulong value = 0;
            for (int i = parts.Length; i-- > 0;) value = value << bits | parts[i](thread) & (1ul << bits) - 1;
            return value;
        };
    }

    static Func<PtxThread, ulong> Predicate(
        string[] words, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b, Func<PtxThread, ulong> c)
    {
        Func<PtxThread, bool> holds = Comparison(words[1], words[^1], a, b);
        return words.Length == 3 ? thread => holds(thread) ? 1ul : 0
            : words[2] == "or" ? thread => holds(thread) | c(thread) != 0 ? 1ul : 0
            : words[2] == "and" ? thread => holds(thread) & c(thread) != 0 ? 1ul : 0
            : throw new NotSupportedException(string.Join('.', words));
    }

    static Func<PtxThread, bool> Comparison(
        string name, string type, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b)
    {
        if (!PtxType.IsFloat(type))
        {
            // Bits in order of the numbers that they are.
            ulong flip = PtxType.IsSigned(type) ? 1ul << 63 : 0;
            Func<PtxThread, int> order = thread => ((ulong)PtxType.Signed(type, a(thread)) ^ flip)
                .CompareTo((ulong)PtxType.Signed(type, b(thread)) ^ flip);
            return name switch
            {
                "eq" => thread => order(thread) == 0,
                "ne" => thread => order(thread) != 0,
                "lt" or "lo" => thread => order(thread) < 0,
                "le" or "ls" => thread => order(thread) <= 0,
                "gt" or "hi" => thread => order(thread) > 0,
                "ge" or "hs" => thread => order(thread) >= 0,
                _ => throw new NotSupportedException($"comparison {name}"),
            };
        }
        // A u behind the name: true where one of them is no number.
        bool ofNothing = name.Length == 3 && name.EndsWith('u');
        Func<double, double, bool> compare = name[..2] switch
        {
            "eq" => (x, y) => x == y,
            "ne" => (x, y) => x != y,
            "lt" => (x, y) => x < y,
            "le" => (x, y) => x <= y,
            "gt" => (x, y) => x > y,
            "ge" => (x, y) => x >= y,
            _ => throw new NotSupportedException($"comparison {name}"),
        };
        return thread =>
        {
            double x = PtxType.Number(type, a(thread)), y = PtxType.Number(type, b(thread));
            return double.IsNaN(x) || double.IsNaN(y) ? ofNothing : compare(x, y);
        };
    }

    static Func<PtxThread, ulong> Shifted(string name, string type, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b)
    {
        int bits = PtxType.Bytes(type) * 8;
        if (name == "shl")
        {
            return thread =>
                (uint)b(thread) < bits ? PtxType.Truncated(type, a(thread) << (int)b(thread)) : 0;
        }
        // By more than there are, what is left is the sign.
        return thread =>
        {
            int by = (int)Math.Min((uint)b(thread), (uint)bits - 1);
            bool isOut = (uint)b(thread) >= bits && !PtxType.IsSigned(type);
            long value = PtxType.Signed(type, a(thread));
            return isOut ? 0 : PtxType.Truncated(type, PtxType.IsSigned(type) ? (ulong)(value >> by) : (ulong)value >> by);
        };
    }

    static Func<PtxThread, ulong> Product(
        string part, string type, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b, Func<PtxThread, ulong> c)
    {
        int bits = PtxType.Bytes(type) * 8;
        Func<PtxThread, Int128> product = thread =>
            PtxType.IsSigned(type)
                ? (Int128)PtxType.Signed(type, a(thread)) * PtxType.Signed(type, b(thread))
                : (Int128)((UInt128)PtxType.Truncated(type, a(thread)) * PtxType.Truncated(type, b(thread)));
        return part switch
        {
            "lo" => thread => PtxType.Truncated(type, (ulong)product(thread) + c(thread)),
            "hi" => thread => PtxType.Truncated(type, (ulong)(product(thread) >> bits) + c(thread)),
            "wide" => thread => (ulong)product(thread) + c(thread),
            _ => throw new NotSupportedException($"mul.{part}"),
        };
    }

    static Func<PtxThread, ulong> Whole(
        string statement, string name, string type, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b)
    {
        Func<Int128, Int128, Int128> function = name switch
        {
            "add" => (x, y) => x + y,
            "sub" => (x, y) => x - y,
            "div" => (x, y) => x / y,
            "rem" => (x, y) => x % y,
            "min" => Int128.Min,
            "max" => Int128.Max,
            "neg" => (x, _) => -x,
            "abs" => (x, _) => Int128.Abs(x),
            "popc" => (x, _) => BitOperations.PopCount((ulong)x),
            "clz" => (x, _) => BitOperations.LeadingZeroCount((ulong)x) - (64 - PtxType.Bytes(type) * 8),
            _ => throw new NotSupportedException(statement),
        };
        Func<ulong, Int128> number = bits =>
            PtxType.IsSigned(type) ? PtxType.Signed(type, bits) : PtxType.Truncated(type, bits);
        return thread => PtxType.Truncated(type, (ulong)function(number(a(thread)), number(b(thread))));
    }

    /// <summary>In double, then rounded: for one sum, product, quotient or root of floats that is exact.</summary>
    static Func<PtxThread, ulong> Number(
        string statement, string[] words, string type, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b)
    {
        bool keepsNaN = words.Contains("NaN");
        Func<double, double, double> function = words[0] switch
        {
            "add" => (x, y) => x + y,
            "sub" => (x, y) => x - y,
            "mul" => (x, y) => x * y,
            "div" => (x, y) => x / y,
            "min" => (x, y) => keepsNaN ? Math.Min(x, y) : double.MinNumber(x, y),
            "max" => (x, y) => keepsNaN ? Math.Max(x, y) : double.MaxNumber(x, y),
            "neg" => (x, _) => -x,
            "abs" => (x, _) => Math.Abs(x),
            "rcp" => (x, _) => 1 / x,
            "sqrt" => (x, _) => Math.Sqrt(x),
            "rsqrt" => (x, _) => 1 / Math.Sqrt(x),
            "ex2" => (x, _) => Math.Pow(2, x),
            "lg2" => (x, _) => Math.Log2(x),
            "sin" => (x, _) => Math.Sin(x),
            "cos" => (x, _) => Math.Cos(x),
            "tanh" => (x, _) => Math.Tanh(x),
            _ => throw new NotSupportedException(statement),
        };
        return thread => PtxType.Bits(
            type, function(PtxType.Number(type, a(thread)), PtxType.Number(type, b(thread))));
    }

    static Func<PtxThread, ulong> Converted(string[] words, Func<PtxThread, ulong> a, Func<PtxThread, ulong> b)
    {
        string to = words[^2], from = words[^1];
        switch (to)
        {
            case "bf16x2": return thread => BFloat16(a(thread)) << 16 | BFloat16(b(thread));
            case "tf32": return thread => Tf32(a(thread));
        }
        bool fromFloat = PtxType.IsFloat(from);
        Func<double, double> whole = words.Contains("rni") ? x => Math.Round(x, MidpointRounding.ToEven)
            : words.Contains("rmi") ? Math.Floor
            : words.Contains("rpi") ? Math.Ceiling
            : words.Contains("rzi") ? Math.Truncate
            : x => x;
        if (PtxType.IsFloat(to))
        {
            if (fromFloat) return thread => PtxType.Bits(to, whole(PtxType.Number(from, a(thread))));
            Func<ulong, Int128> number = bits =>
                PtxType.IsSigned(from) ? PtxType.Signed(from, bits) : PtxType.Truncated(from, bits);
            return to == "f32"
                ? thread => PtxType.Bits((float)number(a(thread)))
                : thread => PtxType.Bits(to, (double)number(a(thread)));
        }
        if (!fromFloat) return thread => PtxType.Truncated(to, (ulong)PtxType.Signed(from, a(thread)));
        int bits = PtxType.Bytes(to) * 8;
        double least = PtxType.IsSigned(to) ? -Math.Pow(2, bits - 1) : 0;
        double most = PtxType.IsSigned(to) ? Math.Pow(2, bits - 1) - 1 : Math.Pow(2, bits) - 1;
        return thread =>
        {
            double value = whole(PtxType.Number(from, a(thread)));
            return PtxType.Truncated(to, double.IsNaN(value) ? 0 : (ulong)(Int128)Math.Clamp(value, least, most));
        };
    }

    /// <summary>The upper half of a float, rounded to nearest, ties to even.</summary>
    static ulong BFloat16(ulong bits) => float.IsNaN(PtxType.Float(bits))
        ? 0x7fff
        : (uint)bits + 0x7fff + ((uint)bits >> 16 & 1) >> 16;

    /// <summary>Ten bits of mantissa, rounded to nearest, ties away from zero.</summary>
    static ulong Tf32(ulong bits) => float.IsFinite(PtxType.Float(bits)) ? (uint)bits + 0x1000 & 0xffffe000 : (uint)bits;
}
