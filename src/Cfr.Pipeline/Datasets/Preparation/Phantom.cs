using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Generated scans: a body with organs of smooth random shape, each at its place, give or take; tissue with texture;
/// distractors (blobs and vessels) as bright as organs but elsewhere or of another shape; a bias field and noise. Organs
/// come in pairs of equal brightness, so that neither brightness nor place alone tells them apart; shapes go on from
/// slice to slice.
/// </summary>
/// <remarks>
/// The anatomy (where organs lie, their form and brightness) depends on the seed, a case varies it. Coordinates run from
/// -1 to 1 along each axis; intensities are about 100 for tissue, 135 to 190 for organs, noise of deviation 14.
/// </remarks>
sealed class Phantom : IRecipe
{
    const int LeastSide = 16, MostOrgans = 16;
    const double TestShare = 0.2;
    const float Air = 20, Tissue = 100, Noise = 14, TextureContrast = 10, Bias = 0.25f;

    static readonly Geometry Millimetres = new(default, new Affine(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1.5, 0));

    readonly int _cases;
    readonly GridSize _size;
    readonly ulong _seed;
    readonly PhantomOrgan[] _anatomy;

    public Phantom(int cases, GridSize size, int organs, ulong seed)
    {
        if (cases < 2) throw new ArgumentException($"{cases} cases; expected at least 2, one to train on and one to test on");
        if (Math.Min(size.X, Math.Min(size.Y, size.Z)) < LeastSide || size.Voxels > int.MaxValue / 4)
            throw new ArgumentException($"scans of {size}; expected sides from {LeastSide}, and fewer than 2^29 voxels");
        if (organs is < 1 or > MostOrgans) throw new ArgumentException($"{organs} organs; expected 1 to {MostOrgans}");
        (_cases, _size, _seed) = (cases, size, seed);
        var random = new RandomNumbers(RandomKey.For(seed, "phantom anatomy"));
        _anatomy = [.. Enumerable.Range(0, organs).Select(i => PhantomOrgan.Draw(i, organs, random))];
    }

    public string Signature => $"phantom {_size}, {_anatomy.Length} organs, seed {_seed}";

    public IReadOnlyList<Case> Find(string folder) =>
        [.. Enumerable.Range(0, _cases).Select(i => new Case($"phantom{i:D4}", "", null))];

    public DataSetList Describe(IReadOnlyList<string> found)
    {
        int test = Math.Clamp((int)Math.Round(TestShare * found.Count), 1, found.Count - 1);
        return new DataSetList
        {
            Name = "phantom",
            Description = $"Generated scans: {Signature}",
            Classes = ["background", .. Enumerable.Range(1, _anatomy.Length).Select(i => $"organ {i}")],
            Spacing = [Millimetres.Spacing.X, Millimetres.Spacing.Y, Millimetres.Spacing.Z],
            Orientation = "RAS",
            Normalization = Normalization.ZScore,
            Train = [.. found.SkipLast(test)],
            Test = [.. found.TakeLast(test)],
        };
    }

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed)
    {
        var random = new RandomNumbers(RandomKey.For(seed, $"phantom case {raw.Name}"));
        var pose = new PhantomPose(random);
        PhantomOrgan[] organs = [.. _anatomy.Select(organ => organ.Vary(random))];
        PhantomDistractor[] distractors = [.. Enumerable.Range(0, 6 + random.Below(4))
            .Select(_ => PhantomDistractor.Draw(_anatomy[random.Below(_anatomy.Length)].Brightness, IsClear, random))];
        var coarse = new SmoothField(random, waves: 6, highest: 4);
        var fine = new SmoothField(random, waves: 12, highest: 14);
        var bias = new SmoothField(random, waves: 3, highest: 1);

        float[] image = new float[_size.Voxels];
        byte[] label = new byte[_size.Voxels];
        random.Normal(image, Noise);
        Parallel.For(0, _size.X, x =>
        {
            for (int y = 0; y < _size.Y; y++)
                for (int z = 0; z < _size.Z; z++)
                {
                    Point at = new(Place(x, _size.X), Place(y, _size.Y), Place(z, _size.Z));
                    int i = (x * _size.Y + y) * _size.Z + z;
                    float clean = Air;
                    if (Body(at))
                    {
                        (label[i], clean) = Look(pose.Apply(at), at);
                        clean += TextureContrast * (0.6f * coarse.At(at) + 0.6f * fine.At(at));
                    }
                    image[i] += clean * MathF.Exp(Bias * bias.At(at));
                }
        });
        var geometry = Millimetres with { Size = _size };
        return (new Volume(geometry, image), new LabelMap(geometry, label));

        bool IsClear(Point at) => organs.All(organ => organ.Distance(pose.Apply(at)) > 1.5f);

        (byte, float) Look(Point posed, Point at)
        {
            float nearest = float.PositiveInfinity, brightness = Tissue;
            int organ = 0;
            for (int i = 0; i < organs.Length; i++)
            {
                float distance = organs[i].Distance(posed);
                if (distance < nearest) (nearest, organ) = (distance, i);
            }
            foreach (PhantomDistractor distractor in distractors)
                brightness += (distractor.Brightness - brightness) * Edge(distractor.Distance(at));
            brightness += (organs[organ].Brightness - brightness) * Edge(nearest);
            return ((byte)(nearest < 1 ? organ + 1 : 0), brightness);
        }
    }

    static float Place(int index, int size) => 2f * (index + 0.5f) / size - 1;

    /// <summary>|x / 0.95|^3 + |y / 0.85|^3 &lt; 1: a rounded box, the same in all slices.</summary>
    static bool Body(Point at) => MathF.Pow(MathF.Abs(at.X / 0.95f), 3) + MathF.Pow(MathF.Abs(at.Y / 0.85f), 3) < 1;

    /// <summary>From 1 inside to 0 outside, over the width of the partial volume effect.</summary>
    static float Edge(float distance) => 1 / (1 + MathF.Exp((distance - 1) * 12));
}
