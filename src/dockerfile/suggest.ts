// "did you mean …?" in Docker's words for a name that comes close to a known one.

/** Edit distance with insertions, deletions and substitutions; Infinity once it must exceed `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Infinity;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + cost));
    }
    previous = current;
  }
  return previous[b.length] ?? Infinity;
}

/** The nearest of `options` that is near enough to be meant; undefined when none is, or when `word` is itself one of them. */
export function suggest(word: string, options: Iterable<string>, caseSensitive: boolean): string | undefined {
  const wanted = caseSensitive ? word : word.toLowerCase();
  const limit = 2;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const option of options) {
    const candidate = caseSensitive ? option : option.toLowerCase();
    if (candidate === wanted) return undefined;
    const found = distance(wanted, candidate, limit);
    if (found < bestDistance) {
      best = option;
      bestDistance = found;
    }
  }
  return best;
}

/** ` (did you mean x?)` or nothing. */
export function didYouMean(word: string, options: Iterable<string>, caseSensitive: boolean): string {
  const found = suggest(word, options, caseSensitive);
  return found === undefined ? '' : ` (did you mean ${found}?)`;
}
