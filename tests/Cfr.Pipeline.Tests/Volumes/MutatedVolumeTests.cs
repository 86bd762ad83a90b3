using System.Diagnostics;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>
/// Damages good files of every format in many ways. Every mutant must be read or be refused with the one error type, in
/// time and with little memory; whatever else happens fails the test, which names the mutant that repeats it.
/// </summary>
public class MutatedVolumeTests
{
    const int Seed = 20240601;
    const int Mutants = 10_000;
    const long MostMemory = 64 << 20;
    const string Meaningful = "0123456789.-+()ein:\nNRDHF\u0001\u0002\u0004\u0008\u0010\u0040\u0000";
    static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(5);

    static readonly string[] Originals =
    [
        "i2_little.nii", "chunked.h5", "f4_big.nii", "i2_gzip.nrrd", "u1_big_2.nii.gz", "contiguous.h5", "f8_raw.nrrd",
        "qform_only.nii.gz", "shuffled.h5", "two_volumes.nii.gz", "u1_raw.nhdr", "pair1.hdr", "one_component.nrrd",
        "chunked.h5", "no_forms.nii.gz", "chunked.h5",
    ];

    [Fact]
    public void Every_mutant_is_read_or_refused()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Golden.Path("volumes/u1_raw.raw"), folder.File("u1_raw.raw"));
        File.Copy(Golden.Path("volumes/pair1.img"), folder.File("mutant.img"));
        byte[][] originals = [.. Originals.Select(name => File.ReadAllBytes(Golden.Path($"volumes/{name}")))];
        string path = folder.File("mutant.hdr");
        int refused = 0;
        for (int mutant = 0; mutant < Mutants; mutant++)
        {
            var random = new Random(unchecked(Seed * 31 + mutant));
            string name = Originals[mutant % originals.Length];
            File.WriteAllBytes(path, Mutant.Of(originals[mutant % originals.Length], random, Meaningful));
            long start = Stopwatch.GetTimestamp(), resident = Environment.WorkingSet;
            long memory = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                VolumeFile.ReadHeader(path);
                VolumeFile.Read(path, 0);
                VolumeFile.ReadLabels(path);
            }
            catch (BadDataException error)
            {
                refused++;
                Assert.DoesNotContain('\n', error.Message);
            }
            catch (Exception error)
            {
                Assert.Fail($"mutant {mutant} of {name}: {error}");
            }
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            memory = GC.GetAllocatedBytesForCurrentThread() - memory;
            Assert.True(took < LongestRead, $"mutant {mutant} of {name}: took {took}");
            // PureHDF asks for what a chunk claims to hold before it looks at the file, but does not touch it.
            if (name.EndsWith(".h5") && memory >= MostMemory) memory = Environment.WorkingSet - resident;
            Assert.True(memory < MostMemory, $"mutant {mutant} of {name}: took {memory} bytes");
        }
        Assert.InRange(refused, Mutants / 4, Mutants * 9 / 10);
    }
}
