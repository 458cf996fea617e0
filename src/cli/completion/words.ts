// The words of a command line that is being written, as a shell would split them; a quote that is still open ends with the line.

/** The words after the program's name; the last one is being written, and empty after a blank. Variables and the like stay as they are. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? '';
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"') word = `${word ?? ''}${line[++i] ?? ''}`;
      else word = `${word ?? ''}${c}`;
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\') word = `${word ?? ''}${line[++i] ?? ''}`;
    else word = `${word ?? ''}${c}`;
  }
  // what stands before a separator is another command
  const all = [...words, word ?? ''];
  const begins = all.findLastIndex((w) => /^(?:\||\|\||&&|;|&)$/.test(w)) + 1;
  return all.slice(begins).slice(1);
}
