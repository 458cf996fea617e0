// The words of a step's name: `[build 2/3] RUN go build`.

/** @param stage where it is known; else what stands before the number, '' for none */
export function stepWords(name: string, stage: string | undefined): { readonly text: string; readonly stage: string } {
  const [, place = '', text = name] = /^\[([^\]]*)\] (.*)$/s.exec(name) ?? [];
  return { text, stage: stage ?? /^(.*) \d+\/\d+$/.exec(place)?.[1] ?? '' };
}
