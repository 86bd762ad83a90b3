using System.Collections;
using System.Runtime.CompilerServices;

namespace Cfr.Tensors;

/// <summary>Sizes of a tensor's axes, outermost first: <c>[N, D, H, W, C]</c>. A scalar has none.</summary>
[CollectionBuilder(typeof(Shape), nameof(Of))]
public readonly struct Shape : IEquatable<Shape>, IEnumerable<int>
{
    readonly int[]? _sizes;

    Shape(int[] sizes) => _sizes = sizes;

    int[] Sizes => _sizes ?? [];

    /// <summary>Number of axes.</summary>
    public int Rank => Sizes.Length;

    /// <summary>Number of elements.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (int size in Sizes) count = checked(count * size);
            return count;
        }
    }

    /// <summary>Size of an axis; <c>^1</c> is the last one.</summary>
    public int this[Index axis] => Sizes[axis];

    /// <summary>Some of the axes.</summary>
    public Shape this[Range axes] => new(Sizes[axes]);

    /// <summary>A shape of these sizes.</summary>
    /// <exception cref="ArgumentException">A size is negative, or there are more elements than can be counted.</exception>
    public static Shape Of(ReadOnlySpan<int> sizes)
    {
        var shape = new Shape(sizes.ToArray());
        double count = sizeof(double);
        foreach (int size in sizes)
        {
            if (size < 0) throw new ArgumentException($"a size cannot be negative: {shape}");
            count *= Math.Max(size, 1);
        }
        return count <= long.MaxValue ? shape : throw new ArgumentException($"too many elements to count: {shape}");
    }

    /// <summary>The sizes.</summary>
    public ReadOnlySpan<int> AsSpan() => Sizes;

    /// <summary>This shape with one size replaced.</summary>
    public Shape With(Index axis, int size)
    {
        int[] sizes = [.. Sizes];
        sizes[axis] = size;
        return Of(sizes);
    }

    /// <summary>Elements from one index of an axis to the next, in a contiguous tensor.</summary>
    public long Stride(int axis) => this[(axis + 1)..].Count;

    /// <summary>Strides of all axes.</summary>
    public long[] Strides()
    {
        long[] strides = new long[Rank];
        long stride = 1;
        for (int axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= Sizes[axis];
        }
        return strides;
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Sizes.AsSpan().SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int size in Sizes) hash.Add(size);
        return hash.ToHashCode();
    }

    /// <summary>Same rank, same sizes.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Another rank or another size.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary><c>[2, 3, 4]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Sizes)}]";

    /// <summary>The sizes, outermost first.</summary>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)Sizes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
