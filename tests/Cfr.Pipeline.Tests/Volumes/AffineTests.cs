using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Volumes;

public class AffineTests
{
    static readonly Affine Oblique = new(0.9, -0.1, 0.4, -10, 0.2, 1.1, -0.3, 20, -0.35, 0.25, 2.4, 5);

    [Fact]
    public void Times_its_inverse_is_the_identity()
    {
        var (x, y, z) = (Oblique.Inverse() * Oblique).Apply(3, -7, 11);
        Assert.Equal((3.0, -7.0, 11.0), (Math.Round(x, 12), Math.Round(y, 12), Math.Round(z, 12)));
    }

    [Fact]
    public void Spacing_is_the_length_of_a_column() =>
        Assert.Equal(Math.Sqrt(0.4 * 0.4 + 0.3 * 0.3 + 2.4 * 2.4), Oblique.Spacing(2), 12);

    [Fact]
    public void Dependent_axes_have_no_inverse() =>
        Assert.Throws<InvalidOperationException>(() => Affine.Scaling(1, 0, 1).Inverse());
}
