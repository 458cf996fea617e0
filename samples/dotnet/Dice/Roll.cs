using System.Text.RegularExpressions;

namespace Dice;

/// <summary>A roll of dice as players write it: 2d6 is two dice of six sides.</summary>
public sealed record Roll(int Count, int Sides)
{
    /// <summary>Null for what is no roll of 1 to 100 dice of 2 to 1000 sides.</summary>
    public static Roll? Parse(string text)
    {
        var match = Regex.Match(text, @"^(\d{1,3})d(\d{1,4})$");
        if (!match.Success) return null;
        var roll = new Roll(int.Parse(match.Groups[1].Value), int.Parse(match.Groups[2].Value));
        return roll is { Count: >= 1 and <= 100, Sides: >= 2 and <= 1000 } ? roll : null;
    }

    public int[] Throw(Random random) => Enumerable.Range(0, Count).Select(_ => random.Next(1, Sides + 1)).ToArray();
}
