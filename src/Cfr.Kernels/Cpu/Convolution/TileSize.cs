namespace Cfr.Kernels.Cpu;

/// <summary>A size of a register tile that the compiler sees: branches on it fold away.</summary>
interface ITileSize
{
    static abstract int Value { get; }
}

/// <summary>1</summary>
readonly struct One : ITileSize
{
    public static int Value => 1;
}

/// <summary>2</summary>
readonly struct Two : ITileSize
{
    public static int Value => 2;
}

/// <summary>3</summary>
readonly struct Three : ITileSize
{
    public static int Value => 3;
}

/// <summary>4</summary>
readonly struct Four : ITileSize
{
    public static int Value => 4;
}

/// <summary>5</summary>
readonly struct Five : ITileSize
{
    public static int Value => 5;
}

/// <summary>6</summary>
readonly struct Six : ITileSize
{
    public static int Value => 6;
}
