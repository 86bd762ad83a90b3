namespace Cfr.Pipeline.Volumes;

/// <summary>
/// Where the array's axes point, to the nearest axis of the world: three of R(ight) or L(eft), A(nterior) or
/// P(osterior), S(uperior) or I(nferior). In "LPS" the first index grows to the left, the second to the back, the third
/// to the head. There are 48.
/// </summary>
public readonly record struct Orientation
{
    const string Positive = "RAS", Negative = "LPI";

    readonly string? _code;

    Orientation(string code) => _code = code;

    /// <summary>First index to the right, second to the front, third to the head.</summary>
    public static Orientation Ras => new(Positive);

    /// <summary>The letters.</summary>
    public string Code => _code ?? Positive;

    /// <summary>All 48.</summary>
    public static IEnumerable<Orientation> All =>
        from a in Positive + Negative
        from b in Positive + Negative
        from c in Positive + Negative
        let code = $"{a}{b}{c}"
        where IsCode(code)
        select new Orientation(code);

    /// <summary>From three letters.</summary>
    /// <exception cref="ArgumentException">They do not name each axis of the world once.</exception>
    public static Orientation Parse(string code) =>
        IsCode(code.ToUpperInvariant())
            ? new Orientation(code.ToUpperInvariant())
            : throw new ArgumentException($"orientation '{code}', expected three letters of R L, A P, S I, like RAS");

    /// <summary>
    /// Of an affine: its axes without their lengths are turned to the nearest matrix of right angles (U V' of the
    /// singular value decomposition U S V'); then each column in turn takes the world's axis, of those left, on which
    /// it has its largest part. nibabel decides so too.
    /// </summary>
    public static Orientation Of(Affine affine)
    {
        double[,] rotation = affine.NearestRotation();
        Span<char> code = stackalloc char[3];
        var free = new List<int> { 0, 1, 2 };
        for (int axis = 0; axis < 3; axis++)
        {
            int column = axis;
            int world = free.MaxBy(row => Math.Abs(rotation[row, column]));
            free.Remove(world);
            code[axis] = (rotation[world, axis] < 0 ? Negative : Positive)[world];
        }
        return new Orientation(new string(code));
    }

    /// <summary>The world's axis (0 right-left, 1 front-back, 2 head-foot) along which an array axis runs.</summary>
    internal int WorldAxis(int axis) => WorldAxis(Code[axis]);

    /// <summary>Whether the index of an array axis grows to the left, the back or the feet.</summary>
    internal bool IsNegative(int axis) => Negative.Contains(Code[axis]);

    /// <inheritdoc/>
    public bool Equals(Orientation other) => Code == other.Code;

    /// <inheritdoc/>
    public override int GetHashCode() => Code.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => Code;

    static bool IsCode(string code) =>
        code.Length == 3 && code.Select(WorldAxis).Order().SequenceEqual([0, 1, 2]);

    static int WorldAxis(char letter) => Math.Max(Positive.IndexOf(letter), Negative.IndexOf(letter));
}
