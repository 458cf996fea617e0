// Names of images by Docker's rules: the grammar of distribution references, and the short forms people write
// ("busybox" for docker.io/library/busybox).
import type { Digest } from './digest.ts';
import { isDigest } from './digest.ts';
import { SlipwayError } from './errors.ts';

export interface Reference {
  /** 'docker.io', 'localhost:5000'. */
  readonly domain: string;
  /** 'library/busybox'. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DOMAIN = 'index.docker.io';
const OFFICIAL = 'library/';
const DEFAULT_TAG = 'latest';

const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const path = `${component}(?:/${component})*`;
const tag = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const FULL = new RegExp(`^(${domain})/(${path})(?::(${tag}))?(?:@(${digest}))?$`);

/** The names that are also identifiers of images and therefore no repository may have. */
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** No tag is added. Throws invalid-argument 'reference.invalid' in Docker's words. */
export function parseReference(s: string): Reference {
  if (IDENTIFIER.test(s)) throw invalid(`invalid repository name (${s}), cannot specify 64-byte hexadecimal strings`);
  const [host, rest] = splitDomain(s);
  const repository = rest.split(/[:@]/, 1)[0]!;
  if (repository.toLowerCase() !== repository) throw invalid(`invalid reference format: repository name (${repository}) must be lowercase`);
  const m = FULL.exec(`${host}/${rest}`);
  if (m === null) throw invalid('invalid reference format');
  if (m[2]!.length > 255) throw invalid('repository name must not be longer than 255 characters');
  if (m[4] !== undefined && !isDigest(m[4])) throw invalid('invalid reference format');
  return {
    domain: m[1]!,
    path: m[2]!,
    ...(m[3] === undefined ? {} : { tag: m[3] }),
    ...(m[4] === undefined ? {} : { digest: m[4] as Digest }),
  };
}

/** Adds `latest` to a bare name; one with a tag or digest stays as it is. */
export function withDefaultTag(r: Reference): Reference {
  return r.tag === undefined && r.digest === undefined ? { ...r, tag: DEFAULT_TAG } : r;
}

/** 'docker.io/library/busybox:latest'. */
export function formatReference(r: Reference): string {
  return `${r.domain}/${r.path}${suffix(r)}`;
}

/** 'busybox:latest'. */
export function familiarReference(r: Reference): string {
  return familiarName(r) + suffix(r);
}

/** 'busybox', without tag and digest. */
export function familiarName(r: Reference): string {
  if (r.domain !== DEFAULT_DOMAIN) return `${r.domain}/${r.path}`;
  const short = r.path.startsWith(OFFICIAL) ? r.path.slice(OFFICIAL.length) : r.path;
  return short.includes('/') ? r.path : short;
}

/** 'docker.io/library/busybox', without tag and digest. */
export function repositoryName(r: Reference): string {
  return `${r.domain}/${r.path}`;
}

function suffix(r: Reference): string {
  return (r.tag === undefined ? '' : `:${r.tag}`) + (r.digest === undefined ? '' : `@${r.digest}`);
}

/** The part before the first slash is a registry only when it looks like a host, so that 'me/tool' stays on Docker Hub. */
function splitDomain(s: string): [string, string] {
  const slash = s.indexOf('/');
  const first = s.slice(0, Math.max(slash, 0));
  let host = DEFAULT_DOMAIN;
  let rest = s;
  if (slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)) {
    host = first === LEGACY_DOMAIN ? DEFAULT_DOMAIN : first;
    rest = s.slice(slash + 1);
  }
  if (host === DEFAULT_DOMAIN && rest !== '' && !rest.includes('/')) rest = OFFICIAL + rest;
  return [host, rest];
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'reference.invalid', message);
}

/** What a user calls an image, in the words of Docker's errors: the latest of a name without a tag; an ID has none. */
export function familiarWord(word: string): string {
  try {
    return /^(?:sha256:)?[0-9a-f]{64}$/.test(word) ? word : familiarReference(withDefaultTag(parseReference(word)));
  } catch {
    return word;
  }
}
