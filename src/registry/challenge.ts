// The WWW-Authenticate header (RFC 9110, section 11.6.1): a list of schemes with parameters.

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;

/** Reads what it can and stops at what is no challenge. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const token = (): string | undefined => {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(header)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = (what: RegExp): void => {
    while (at < header.length && what.test(header[at] ?? '')) at++;
  };
  for (;;) {
    skip(/[\s,]/);
    const word = token();
    if (word === undefined) return challenges;
    skip(/\s/);
    if (header[at] !== '=') {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} });
      continue;
    }
    at++;
    skip(/\s/);
    let value: string | undefined;
    if (header[at] === '"') {
      value = '';
      for (at++; at < header.length && header[at] !== '"'; at++) {
        if (header[at] === '\\') at++;
        value += header[at] ?? '';
      }
      at++;
    } else value = token();
    const challenge = challenges.at(-1);
    if (value === undefined || challenge === undefined) return challenges;
    challenge.parameters[word.toLowerCase()] = value;
  }
}
