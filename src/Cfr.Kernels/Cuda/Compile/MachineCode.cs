using System.Buffers.Binary;

namespace Cfr.Kernels.Cuda.Compile;

/// <summary>
/// Counts of instructions in an assembled kernel. From Volta to Hopper an instruction is 16 bytes and its lowest 12 bits say which; the
/// code is the sections <c>.text.NAME</c> of an ELF file. NVIDIA's disassembler says the same, and takes half a second.
/// </summary>
/// <param name="Hmma">Products on tensor cores, by warps and by warp groups.</param>
/// <param name="Ldsm">Loads of fragments from shared memory.</param>
/// <param name="Ldgsts">Asynchronous copies to shared memory.</param>
/// <param name="LocalAccesses">Loads and stores of local memory.</param>
readonly record struct MachineCode(int Hmma, int Ldsm, int Ldgsts, int LocalAccesses)
{
    /// <summary>A warp group's product, with A in shared memory or in registers.</summary>
    const int HgmmaCode = 0x9f0, HgmmaOfRowsCode = 0xdf0;

    const int HmmaCode = 0x23c, LdsmCode = 0x83b, LdgstsCode = 0xfae, LoadLocalCode = 0x983, StoreLocalCode = 0x387;

    const int InstructionBytes = 16, Opcode = 0xfff;

    /// <summary>Looks through a cubin.</summary>
    /// <exception cref="InvalidDataException">It is no ELF file of 64 bits, or is cut short.</exception>
    public static MachineCode Of(ReadOnlySpan<byte> cubin)
    {
        const int SectionTable = 40, SectionBytes = 58, SectionCount = 60, NamesSection = 62;
        const int NameOf = 0, OffsetOf = 24, SizeOf = 32;
        if (!cubin.StartsWith("\u007fELF\u0002"u8)) throw new InvalidDataException("what the assembler wrote is no ELF file of 64 bits");
        try
        {
            int table = (int)BinaryPrimitives.ReadInt64LittleEndian(cubin[SectionTable..]);
            int bytes = BinaryPrimitives.ReadUInt16LittleEndian(cubin[SectionBytes..]);
            ReadOnlySpan<byte> names = Content(cubin, Section(cubin, BinaryPrimitives.ReadUInt16LittleEndian(cubin[NamesSection..])));
            MachineCode sum = default;
            for (int i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(cubin[SectionCount..]); i++)
            {
                ReadOnlySpan<byte> section = Section(cubin, i);
                if (names[BinaryPrimitives.ReadInt32LittleEndian(section[NameOf..])..].StartsWith(".text."u8))
                    sum = sum.And(Content(cubin, section));
            }
            return sum;

            ReadOnlySpan<byte> Section(ReadOnlySpan<byte> file, int index) => file.Slice(table + index * bytes, bytes);

            static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> file, ReadOnlySpan<byte> section) => file.Slice(
                (int)BinaryPrimitives.ReadInt64LittleEndian(section[OffsetOf..]), (int)BinaryPrimitives.ReadInt64LittleEndian(section[SizeOf..]));
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new InvalidDataException("what the assembler wrote is cut short", error);
        }
    }

    MachineCode And(ReadOnlySpan<byte> code)
    {
        var (hmma, ldsm, ldgsts, local) = this;
        for (; code.Length >= InstructionBytes; code = code[InstructionBytes..])
            switch (BinaryPrimitives.ReadUInt16LittleEndian(code) & Opcode)
            {
                case HmmaCode or HgmmaCode or HgmmaOfRowsCode: hmma++; break;
                case LdsmCode: ldsm++; break;
                case LdgstsCode: ldgsts++; break;
                case LoadLocalCode or StoreLocalCode: local++; break;
            }
        return new MachineCode(hmma, ldsm, ldgsts, local);
    }
}
