using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Random Fourier features of places (Tancik 2020): with u = 2 (x, y) - 1 in [-1, 1] and a = 2 pi (u_x M_0 + u_y M_1),
/// the code is [sin a | cos a]. M [2, width / 2] is drawn once, N(0, 1), saved with the model and never trained.
/// </summary>
sealed class FourierCode(Weights weights, int width) : Module(weights)
{
    readonly Tensor _matrix =
        weights.Buffer("positional_encoding_gaussian_matrix", [2, width / 2], Initialize.Normal(1));

    /// <summary>Places [.., 2], x first, each in [0, 1] -> codes [.., width].</summary>
    /// <remarks>Two products of single elements, no matrix product: a GPU rounds the factors of those.</remarks>
    public Tensor Forward(Tensor places)
    {
        using Scope scope = places.Session.Scope();
        Shape shape = [.. places.Shape[..^1], _matrix.Size(1)];
        Tensor u = places.Affine(2, -1);
        Tensor x = u.Slice(^1, 0, 1).Expand(shape) * _matrix.Slice(0, 0, 1).Reshape(_matrix.Size(1));
        Tensor y = u.Slice(^1, 1, 1).Expand(shape) * _matrix.Slice(0, 1, 1).Reshape(_matrix.Size(1));
        Tensor a = (x + y) * (2 * MathF.PI);
        return scope.Return(a.Sin().Concat(^1, a.Cos()));
    }

    /// <summary>Codes of the centres of a grid's cells: [1, rows, columns, width].</summary>
    public Tensor Grid(Session session, int rows, int columns)
    {
        using Scope scope = session.Scope();
        return scope.Return(Forward(session.Constant(
            (typeof(FourierCode), rows, columns), [1, rows, columns, 2], () => Centres(rows, columns))));
    }

    static float[] Centres(int rows, int columns)
    {
        float[] centres = new float[rows * columns * 2];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                int at = 2 * (row * columns + column);
                (centres[at], centres[at + 1]) = ((column + 0.5f) / columns, (row + 0.5f) / rows);
            }
        return centres;
    }
}
