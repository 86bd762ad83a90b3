using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>
/// Where tiles lie in shared memory, and which lane gets what of them: index arithmetic, without a device.
/// </summary>
public class FragmentTests
{
    const int WarpSize = 32, Banks = 32;

    [Fact]
    public void Every_element_of_a_fragment_has_one_owner()
    {
        AssertOneOwner(4, Fragments.A, 16, 8);
        AssertOneOwner(2, Fragments.B, 8, 8);
        AssertOneOwner(4, Fragments.C, 16, 8);

        static void AssertOneOwner(int registers, Func<int, int, (int, int)> place, int rows, int columns) =>
            Assert.Equal(
                rows * columns,
                (from lane in Enumerable.Range(0, WarpSize)
                 from register in Enumerable.Range(0, registers)
                 select place(lane, register)).Where(at => at.Item1 < rows && at.Item2 < columns).Distinct().Count());
    }

    /// <summary>A few entries as the PTX manual's figures show them.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(5, 0, 1, 1)]
    [InlineData(31, 1, 15, 3)]
    [InlineData(4, 2, 1, 4)]
    [InlineData(30, 3, 15, 6)]
    public void Lanes_hold_rows_and_words_of_A(int lane, int register, int row, int word) =>
        Assert.Equal((row, word), Fragments.A(lane, register));

    [Theory]
    [InlineData(0, 1, 4, 0)]
    [InlineData(7, 0, 3, 1)]
    [InlineData(29, 1, 5, 7)]
    public void Lanes_hold_words_and_columns_of_B(int lane, int register, int word, int column) =>
        Assert.Equal((word, column), Fragments.B(lane, register));

    [Theory]
    [InlineData(0, 1, 0, 1)]
    [InlineData(6, 0, 1, 4)]
    [InlineData(6, 3, 9, 5)]
    [InlineData(31, 2, 15, 6)]
    public void Lanes_hold_rows_and_columns_of_the_sums(int lane, int register, int row, int column) =>
        Assert.Equal((row, column), Fragments.C(lane, register));

    [Theory]
    [InlineData(64, false), InlineData(128, false), InlineData(256, false), InlineData(64, true), InlineData(256, true)]
    public void Ldmatrix_on_steps_gives_the_words_of_an_operand_without_conflicts(int lines, bool ofB)
    {
        for (int line = 0; line < lines; line += 16)
            for (int half = 0; half < 2; half++)
            {
                uint[] rows = [.. Lanes(lane => (KMajor.LaneOffset(lane, line, lines, ofB) ^ (uint)(half * 32)))];
                for (int matrix = 0; matrix < 4; matrix++)
                {
                    AssertNoConflict(rows[(8 * matrix)..(8 * matrix + 8)], bytes: 16);
                    for (int lane = 0; lane < WarpSize; lane++)
                    {
                        var (row, word) = Held(lane, matrix, ofB);
                        uint got = rows[8 * matrix + lane / 4] + (uint)(lane % 4 * 4);
                        int wordOfLine = half * 8 + word;
                        Assert.Equal(Swizzle.Narrow(line + row, wordOfLine / 4) + (uint)(wordOfLine % 4 * 4), got);
                    }
                }
            }
    }

    [Theory]
    [InlineData(64, false), InlineData(128, false), InlineData(256, false), InlineData(64, true), InlineData(256, true)]
    public void Ldmatrix_on_lines_gives_the_words_of_an_operand_without_conflicts(int lines, bool ofB)
    {
        for (int warp = 0; warp < lines; warp += 64)
            for (int block = 0; block < 4; block++)
            {
                uint[] rows = [.. Lanes(lane => LineMajor16.LaneOffset(lane, warp, lines, ofB) ^ (uint)(block * 32))];
                for (int matrix = 0; matrix < 4; matrix++)
                {
                    AssertNoConflict(rows[(8 * matrix)..(8 * matrix + 8)], bytes: 16);
                    for (int lane = 0; lane < WarpSize; lane++)
                    {
                        // Transposed, lane 4 g + t gets rows 2t and 2t + 1 of column g: the two steps of word t.
                        var (row, word) = Held(lane, matrix, ofB);
                        int line = warp + block * 16 + row;
                        uint got = rows[8 * matrix + lane % 4 * 2] + (uint)(lane / 4 * 2);
                        Assert.Equal(Swizzle.Wide(2 * word, line / 8, lines * 2) + (uint)(line % 8 * 2), got);
                    }
                }
            }
    }

    [Theory, InlineData(32), InlineData(64), InlineData(128)]
    public void Loads_of_words_give_the_words_of_A_without_conflicts(int lines)
    {
        for (int warp = 0; warp < lines; warp += 64)
            for (int block = 0; block < Math.Min(4, lines / 16); block++)
                for (int register = 0; register < 4; register++)
                {
                    uint[] words = [.. Lanes(lane => (LineMajor32.LaneOffset(lane, warp, lines, ofB: false)
                        ^ (uint)(block * 64 + register % 2 * 32)) + (uint)(register / 2 * 4 * lines * 4))];
                    AssertNoConflict(words, bytes: 4);
                    for (int lane = 0; lane < WarpSize; lane++)
                    {
                        var (row, word) = Fragments.A(lane, register);
                        Assert.Equal(Swizzle.Words(word, warp + block * 16 + row, lines * 4), words[lane]);
                    }
                }
    }

    [Theory, InlineData(32), InlineData(64), InlineData(128), InlineData(256)]
    public void Sums_pass_through_shared_memory_without_conflicts(int columns)
    {
        for (int row = 0; row < 16; row += 8)
            for (int column = 0; column < columns; column += 8)
            {
                uint[] pairs = [.. Lanes(lane => Swizzle.Sums(row + lane / 4, column + lane % 4 * 2, columns * 4))];
                AssertNoConflict(pairs[..16], bytes: 8);
                AssertNoConflict(pairs[16..], bytes: 8);
            }
        Assert.Equal(
            16 * columns,
            (from row in Enumerable.Range(0, 16)
             from column in Enumerable.Range(0, columns)
             select Swizzle.Sums(row, column, columns * 4)).Distinct().Count(at => at < 64 * columns));
        for (int row = 0; row < 8; row++)
            for (int column = 0; column < columns; column += 32)
                AssertNoConflict(
                    [.. Enumerable.Range(0, 8).Select(i => Swizzle.Sums(row, column + 4 * i, columns * 4))], bytes: 16);
    }

    [Theory, InlineData(64), InlineData(128)]
    public void Register_tiles_read_lines_without_conflicts(int lines)
    {
        for (int first = 0; first < lines / 8; first += 8)
        {
            IEnumerable<int> threads = Enumerable.Range(first, 8);
            AssertNoConflict([.. threads.Select(t => KMajor.ThreadOffset(t, lines))], bytes: 16);
            AssertNoConflict([.. threads.Select(t => LineMajor32.ThreadOffset(t, lines))], bytes: 16);
        }
        int[] all = [.. Enumerable.Range(0, lines)];
        Assert.Equal(all, all.Select(n => KMajor.Line(n / 8, n % 8, lines)).Order());
        Assert.Equal(all, all.Select(n => LineMajor32.Line(n / 8, n % 8, lines)).Order());
    }

    [Theory]
    [InlineData(32, 128, 4), InlineData(64, 32, 2), InlineData(64, 32, 4), InlineData(64, 128, 2)]
    [InlineData(64, 128, 4)]
    [InlineData(128, 128, 2), InlineData(128, 128, 4), InlineData(256, 256, 2), InlineData(128, 256, 4)]
    public void Copies_fill_a_stage_once(int lines, int threads, int elementBytes)
    {
        AssertFilled<KMajor>(lines, threads, elementBytes);
        if (elementBytes == 2)
            AssertFilled<LineMajor16>(lines, threads, elementBytes);
        else
            AssertFilled<LineMajor32>(lines, threads, elementBytes);

        static void AssertFilled<T>(int lines, int threads, int elementBytes) where T : struct, IOperandLayout
        {
            var places = new HashSet<uint>();
            int span = T.Span(lines, threads, elementBytes);
            for (int thread = 0; thread < threads; thread++)
            {
                var copy = T.Begin(0, 4096, 0, lines, 0, 4096, thread, lines, threads, elementBytes);
                for (int i = 0; i < lines * Tile.StageBytes / 16 / threads; i++)
                    Assert.True(places.Add(T.Target(copy.Target, i * span, lines, elementBytes)));
            }
            Assert.Equal(Enumerable.Range(0, lines * 4).Select(i => (uint)(16 * i)), places.Order());
        }
    }

    [Theory, InlineData(1, 1), InlineData(3, 5), InlineData(8, 4), InlineData(17, 3), InlineData(32, 24)]
    public void Blocks_take_each_tile_once_and_neighbours_share_columns(int tileRows, int tileColumns)
    {
        IEnumerable<int> blocks = Enumerable.Range(0, tileRows * tileColumns);
        TileOrder[] tiles = [.. blocks.Select(i => TileOrder.Of(i, tileRows, tileColumns))];
        Assert.Equal(tiles.Length, tiles.Select(tile => (tile.Row, tile.Column)).Distinct().Count());
        Assert.All(tiles, tile => Assert.True(tile.Row < tileRows && tile.Column < tileColumns));
        int first = Math.Min(8, tileRows);
        Assert.All(tiles[..first], tile => Assert.Equal(0, tile.Column));
    }

    /// <summary>Line of the fragment and word of k in this register: A's four, or those of two blocks of B.</summary>
    static (int Line, int Word) Held(int lane, int register, bool ofB)
    {
        if (!ofB) return Fragments.A(lane, register);
        var (word, column) = Fragments.B(lane, register % 2);
        return (register / 2 * 8 + column, word);
    }

    static IEnumerable<uint> Lanes(Func<int, uint> offset) => Enumerable.Range(0, WarpSize).Select(offset);

    /// <summary>Accesses of one pass (128 bytes in all) touch each bank once, unless they want the same word.</summary>
    static void AssertNoConflict(uint[] offsets, int bytes)
    {
        uint[] words =
            [.. offsets.SelectMany(at => Enumerable.Range(0, bytes / 4).Select(i => at / 4 + (uint)i)).Distinct()];
        Assert.Equal(words.Length, words.Select(word => word % Banks).Distinct().Count());
    }
}
