// `# slipway:features=…`: syntax that no other builder has, allowed by a comment at the head of the file and never without it. To others
// the comment is one.
import type { SourceFile } from './errors.ts';
import { excerptOf, languageError } from './errors.ts';
import { LineReader, lineRange } from './source.ts';
import { didYouMean } from './suggest.ts';

/** What each of them allows. */
const FEATURES = {
  include: 'INCLUDE',
  limits: 'RUN --memory and RUN --cpus',
  'no-cache': 'RUN --no-cache',
  retry: 'RUN --retry',
  variables: 'variables in COPY --from and in from= of mounts',
} as const;

export type Feature = keyof typeof FEATURES;

const DIRECTIVE = /^#\s*slipway:features\s*=\s*(.*?)\s*$/i;

/** @throws SlipwayError `dockerfile.feature-unknown` */
export function readFeatures(file: SourceFile): ReadonlySet<Feature> | undefined {
  // most files have none, and are not read twice
  if (!/slipway:features/i.test(file.text)) return undefined;
  const reader = new LineReader(file.text);
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    const text = file.text.slice(line.start, line.end);
    if (text.trim() !== '' && !text.startsWith('#')) return undefined;
    const value = DIRECTIVE.exec(text)?.[1];
    if (value === undefined) continue;
    const names = value.split(',').map((name) => name.trim().toLowerCase());
    const unknown = names.find((name) => !Object.hasOwn(FEATURES, name));
    if (unknown === undefined) return new Set(names as Feature[]);
    const known = Object.keys(FEATURES);
    throw languageError(
      'feature-unknown',
      `unknown feature "${unknown}"${didYouMean(unknown, known, true)}`,
      excerptOf(file, lineRange(line.number, line.number, text.length)),
      [`features of this version: ${known.join(', ')}`],
    );
  }
  return undefined;
}

/** What a flag needs that is none of the language. */
export const FLAG_FEATURES: Readonly<Record<string, Feature>> = {
  'no-cache': 'no-cache',
  retry: 'retry',
  memory: 'limits',
  cpus: 'limits',
};
