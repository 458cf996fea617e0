// The filters of `image ls`. Pure, but for looking up configurations and other images through what it is given.
import {
  type Digest,
  familiarName,
  familiarReference,
  type ImageConfig,
  isSlipwayError,
  parseReference,
  repositoryName,
} from '../model/index.ts';
import type { ImageSummary, ListFilter } from './types.ts';

export function applyFilter(
  images: readonly ImageSummary[],
  filter: ListFilter,
  configOf: (id: Digest) => ImageConfig,
  createdAt: (ref: string) => number,
): ImageSummary[] {
  let out = [...images];
  if (filter.dangling !== undefined) out = out.filter((i) => (i.names.length === 0) === filter.dangling);
  const { references = [], labels = [], before, since, until } = filter;
  if (references.length > 0) {
    const patterns = references.map(referencePattern);
    // only the names that match are listed
    out = out.map((i) => ({ ...i, names: i.names.filter((n) => patterns.some((p) => p(n))) })).filter((i) => i.names.length > 0);
  }
  if (before !== undefined)
    out = out.filter(
      (
        (limit) => (i) =>
          i.createdAt < limit
      )(createdAt(before)),
    );
  if (since !== undefined)
    out = out.filter(
      (
        (limit) => (i) =>
          i.createdAt > limit
      )(createdAt(since)),
    );
  if (until !== undefined) out = out.filter((i) => i.createdAt < until);
  if (labels.length > 0) out = out.filter((i) => hasLabels(configOf(i.id).config?.Labels ?? {}, labels));
  return out;
}

/** Whether every one of `key` or `key=value` is there. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((w) => {
    const eq = w.indexOf('=');
    const key = eq < 0 ? w : w.slice(0, eq);
    return Object.hasOwn(labels, key) && (eq < 0 || labels[key] === w.slice(eq + 1));
  });
}

/** The repository that a reference without wildcards means, as names in the store begin; undefined for a pattern. */
export function literalRepository(reference: string): string | undefined {
  if (/[*?[\\]/.test(reference)) return undefined;
  try {
    return repositoryName(parseReference(reference));
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    return undefined;
  }
}

/** A shell pattern on the familiar name, with or without its tag: `*` stays within a part of the path. */
function referencePattern(pattern: string): (name: string) => boolean {
  const expression = new RegExp(
    `^${pattern.replace(/\[[^\]]*\]|[*?]|[^*?[]+|\[/g, (m) => (m === '*' ? '[^/]*' : m === '?' ? '[^/]' : m.length > 1 && m.startsWith('[') ? m.replace(/^\[!/, '[^') : m.replace(/[.\\+^$(){}|[\]]/g, '\\$&')))}$`,
  );
  return (name) => {
    const reference = parseReference(name);
    return [name, familiarReference(reference), familiarName(reference)].some((n) => expression.test(n));
  };
}
