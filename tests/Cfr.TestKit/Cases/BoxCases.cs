using Cfr.Tensors;

namespace Cfr.TestKit.Cases;

static class BoxCases
{
    static readonly Shape Grid = [5, 6, 7, 2];

    public static IEnumerable<OpCase> All =>
    [
        Boxes("inside", new GridBox(new(0, 1, 1, 3), new(1, 0, 1, 4), new(2, 2, 1, 5))),
        Boxes("over all edges", new GridBox(new(0, -2, 1, 9), new(1, -1, 1, 8), new(2, -3, 1, 13))),
        Boxes("outside", new GridBox(new(0, 5, 1, 2), new(1, 0, 1, 3), new(2, 0, 1, 3))),
        Boxes("mirrored", new GridBox(new(0, 4, -1, 5), new(1, 3, -1, 7), new(2, 0, 1, 7))),
        Boxes("turned", new GridBox(new(1, -1, 1, 4), new(0, 6, -1, 5), new(2, 1, 1, 6))),
        Boxes("of one place", new GridBox(new(0, 2, 0, 3), new(1, 4, 0, 2), new(2, 1, 0, 9))),
        Boxes(
            "several", new GridBox(new(0, 0, 1, 2), new(1, 0, 1, 3), new(2, -1, 1, 4)),
            new GridBox(new(1, 5, -1, 2), new(0, 1, 1, 3), new(2, 4, 1, 4))),
    ];

    static OpCase Boxes(string name, params GridBox[] boxes) => new(
        "boxes", name, [new("grid", Grid, Differentiated: false)],
        x => x[0].Session.Boxes([.. boxes.Select(box => (x[0], box))]),
        x => [.. boxes.SelectMany(box => Box(x[0], box))]);

    /// <summary>The definition, element by element.</summary>
    static IEnumerable<double> Box(double[] grid, GridBox box)
    {
        for (int i = 0; i < box.X.Count; i++)
            for (int j = 0; j < box.Y.Count; j++)
                for (int k = 0; k < box.Z.Count; k++)
                {
                    int[] place = new int[3];
                    foreach (var (walk, index) in ((GridWalk, int)[])[(box.X, i), (box.Y, j), (box.Z, k)])
                        place[walk.Axis] = walk.Start + index * walk.Step;
                    bool inside = place.Zip(Grid, (at, size) => at >= 0 && at < size).All(each => each);
                    for (int c = 0; c < Grid[3]; c++)
                        yield return inside ? grid[((place[0] * Grid[1] + place[1]) * Grid[2] + place[2]) * Grid[3] + c] : 0;
                }
    }
}
