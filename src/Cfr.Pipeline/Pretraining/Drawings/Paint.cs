using Cfr.Kernels;

namespace Cfr.Pipeline.Pretraining;

/// <summary>What a surface looks like: a colour, shading across it, a texture, and perhaps another colour along the border.</summary>
sealed class Paint
{
    const float LeastContrast = 0.1f, MostContrast = 0.55f, Darkest = 0.03f, Brightest = 0.97f;

    readonly float _shadeX, _shadeY, _rim, _rimWidth;
    readonly Waves? _texture;

    Paint(float[] colour, float shadeX, float shadeY, float rim, float rimWidth, Waves? texture) =>
        (Colour, _shadeX, _shadeY, _rim, _rimWidth, _texture) = (colour, shadeX, shadeY, rim, rimWidth, texture);

    /// <summary>Red, green, blue from 0 to 1.</summary>
    public float[] Colour { get; }

    /// <summary>A surface of a scene of this extent in pixels, textured more often than objects are.</summary>
    public static Paint Ground(RandomNumbers random, bool isGrey, float extent)
    {
        float first = random.Uniform(0.15f, 0.85f);
        float[] colour = isGrey ? [first, first, first] : [first, random.Uniform(0.15f, 0.85f), random.Uniform(0.15f, 0.85f)];
        float shade = random.Uniform() < 0.6f ? random.Uniform(0, 0.2f) / extent : 0, direction = random.Uniform(0, 2 * MathF.PI);
        return new Paint(colour, shade * MathF.Cos(direction), shade * MathF.Sin(direction), 0, 0, Texture(random, 0.7f, extent));
    }

    /// <summary>A surface of a colour that differs from that around it.</summary>
    public static Paint Object(RandomNumbers random, bool isGrey, float extent, float[] around)
    {
        float contrast = MathF.Exp(random.Uniform(MathF.Log(LeastContrast), MathF.Log(MostContrast)));
        bool isBrighter = random.Uniform() < 0.5f;
        float[] colour = [.. around.Select(channel => Away(channel, isBrighter ? contrast : -contrast))];
        if (!isGrey)
            for (int channel = 0; channel < colour.Length; channel++)
                colour[channel] = Math.Clamp(colour[channel] + random.Uniform(-0.25f, 0.25f), Darkest, Brightest);
        float shade = random.Uniform() < 0.4f ? random.Uniform(0, 0.15f) / extent : 0, direction = random.Uniform(0, 2 * MathF.PI);
        bool isRimmed = random.Uniform() < 0.15f;
        float rim = isRimmed ? random.Uniform(-0.3f, 0.3f) : 0, rimWidth = random.Uniform(1, 2.5f);
        return new Paint(
            colour, shade * MathF.Cos(direction), shade * MathF.Sin(direction), rim, rimWidth, Texture(random, 0.45f, extent));
    }

    /// <summary>What is added to the colour so far from the surface's centre and, inwards, from its border.</summary>
    public float Relief(float dx, float dy, float depth)
    {
        float relief = _shadeX * dx + _shadeY * dy;
        if (_texture is not null) relief += _texture.At(dx, dy);
        return depth < _rimWidth ? relief + _rim : relief;
    }

    /// <summary>A channel changed by the contrast, in the other direction where there is no room.</summary>
    static float Away(float channel, float contrast) =>
        channel + contrast is >= Darkest and <= Brightest ? channel + contrast : channel - contrast;

    static Waves? Texture(RandomNumbers random, float probability, float extent) =>
        random.Uniform() < probability ? Waves.Draw(random, MathF.Min(3, extent / 2), extent, random.Uniform(0.005f, 0.06f)) : null;
}
