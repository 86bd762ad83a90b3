using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>An axis of a copy; strides in packets.</summary>
struct CopyAxis
{
    public Divisor Size;
    public int Source, Target;
}

/// <summary>The axes of a copy around its rows, innermost first.</summary>
struct CopyAxes
{
    public int Rank;
    public CopyAxis Axis0, Axis1, Axis2, Axis3, Axis4, Axis5, Axis6;

    /// <summary>Where the row of this number begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CopyPlace Place(CopyAxes axes, int row)
    {
        var place = new CopyPlace { Rest = row };
        if (axes.Rank > 0) place = Along(axes.Axis0, place);
        if (axes.Rank > 1) place = Along(axes.Axis1, place);
        if (axes.Rank > 2) place = Along(axes.Axis2, place);
        if (axes.Rank > 3) place = Along(axes.Axis3, place);
        if (axes.Rank > 4) place = Along(axes.Axis4, place);
        if (axes.Rank > 5) place = Along(axes.Axis5, place);
        if (axes.Rank > 6) place = Along(axes.Axis6, place);
        return place;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static CopyPlace Along(CopyAxis axis, CopyPlace place)
    {
        int next = place.Rest / axis.Size, i = place.Rest - next * axis.Size.Value;
        place.Source = Ptx.MultiplyAddWide(i, axis.Source, place.Source);
        place.Target = Ptx.MultiplyAddWide(i, axis.Target, place.Target);
        place.Rest = next;
        return place;
    }
}

/// <summary>Offsets in packets, and what is left of a row's number.</summary>
struct CopyPlace
{
    public int Rest;
    public long Source, Target;
}
