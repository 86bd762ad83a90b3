using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

/// <summary>What the cases of boxes cannot say: labels, changes in place, mistakes.</summary>
public class BoxesTests
{
    static readonly GridBox OverTheEdge = new(new(0, -1, 1, 2), new(1, 1, 1, 2), new(2, 0, 1, 2));

    [Theory, InlineData("cpu"), InlineData("emulated")]
    public void Labels_are_cut_out_and_put_in_as_values_are(string name)
    {
        using var device = Device.Open(name);
        var session = new Session(device);
        Tensor grid = session.Labels([1, 2, 3, 4, 5, 6, 7, -8], [2, 2, 2]);
        Tensor box = session.Boxes((grid, OverTheEdge));
        Assert.Equal(Shape.Of([1, 2, 2, 2]), box.Shape);
        Assert.Equal([0, 0, 0, 0, 3, 4, 0, 0], box.ToIntArray());
        grid.SetBox(OverTheEdge, session.Labels([9, 9, 9, 9, 10, 11, 9, 9], [2, 2, 2]));
        Assert.Equal([1, 2, 10, 11, 5, 6, 7, -8], grid.ToIntArray());
    }

    [Theory, InlineData("cpu"), InlineData("emulated")]
    public void Only_what_lies_in_the_grid_is_added_to_it(string name)
    {
        using var device = Device.Open(name);
        var session = new Session(device);
        Tensor grid = session.Tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
        grid.AddBox(OverTheEdge, session.Tensor([9, 9, 9, 9, 10, 11, 9, 9], [2, 2, 2]));
        Assert.Equal([1, 2, 13, 15, 5, 6, 7, 8], grid.ToArray());
        grid.Slice(0, 1, 1).Fill(0);
        Assert.Equal([1, 2, 13, 15, 0, 0, 0, 0], grid.ToArray());
    }

    [Fact]
    public void Boxes_of_other_sizes_and_types_are_refused()
    {
        using var device = Device.Open("cpu");
        var session = new Session(device);
        Tensor grid = session.Zeros([2, 2, 2]), other = session.Zeros([2, 2, 2, 1]);
        Assert.Throws<ArgumentException>(() => session.Boxes((grid, OverTheEdge), (other, OverTheEdge)));
        Assert.Throws<ArgumentException>(() => session.Boxes((grid, OverTheEdge), (session.Zeros([2, 2, 2], DType.Int32), OverTheEdge)));
        Assert.Throws<ArgumentException>(() => grid.AddBox(OverTheEdge, session.Zeros([2, 2, 3])));
        Assert.Throws<ArgumentException>(() => grid.SetBox(OverTheEdge, session.Zeros([2, 2, 2], DType.Int32)));
    }

    [Fact]
    public void Boxes_that_are_none_are_refused_in_words()
    {
        using var device = Device.Open("cpu");
        var session = new Session(device);
        Tensor grid = session.Zeros([2, 2, 2]), values = session.Zeros([2, 2, 2]);
        GridWalk x = new(0, 0, 1, 2), y = new(1, 0, 1, 2), z = new(2, 0, 1, 2);
        Refused("there is no box", () => session.Boxes());
        Refused("does not walk along each of the axes", () => session.Boxes((grid, new GridBox(x, x, z))));
        Refused("does not walk along each of the axes", () => grid.AddBox(new GridBox(x, y, y), values));
        Refused("does not walk along each of the axes", () => session.Boxes((grid, new GridBox(x, y, z with { Axis = 3 }))));
        Refused("steps by 2; expected 1 or -1 or 0", () => session.Boxes((grid, new GridBox(x, y, z with { Step = 2 }))));
        Refused("steps by 0; expected 1 or -1", () => grid.SetBox(new GridBox(x, y with { Step = 0 }, z), values));
        Refused("steps by 0; expected 1 or -1", () => grid.AddBox(new GridBox(x, y with { Step = 0 }, z), values));
        Refused("negative size", () => session.Boxes((grid, new GridBox(x, y, z with { Count = -1 }))));
        Refused("at least three axes", () => session.Boxes((session.Zeros([2, 2]), new GridBox(x, y, z))));

        static void Refused(string words, Action action) => Assert.Contains(words, Assert.ThrowsAny<ArgumentException>(action).Message);
    }
}
