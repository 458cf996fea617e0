using Xunit;

namespace Dice.Tests;

public class RollTests
{
    [Theory]
    [InlineData("2d6", 2, 6)]
    [InlineData("100d1000", 100, 1000)]
    public void Reads_rolls(string text, int count, int sides) => Assert.Equal(new Roll(count, sides), Roll.Parse(text));

    [Theory]
    [InlineData("0d6")]
    [InlineData("2d1")]
    [InlineData("d6")]
    [InlineData("two dice")]
    public void Refuses_what_is_none(string text) => Assert.Null(Roll.Parse(text));

    [Fact]
    public void Throws_within_the_sides() => Assert.All(new Roll(100, 6).Throw(new Random(1)), n => Assert.InRange(n, 1, 6));
}
