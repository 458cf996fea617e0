// What `--cache-from` and `--cache-to` say. Data only.
import { SlipwayError } from '../../model/index.ts';
import type { Compression } from '../../registry/index.ts';

/** A place that a cache lies at. */
export type CachePlace =
  | { readonly type: 'local'; readonly path: string; readonly tag: string }
  | { readonly type: 'registry'; readonly ref: string };

export interface CacheImport {
  readonly place: CachePlace;
  /** Cache mounts: all that came, those with these ids, or none. */
  readonly mounts: 'all' | 'none' | readonly string[];
}

export type CacheExport =
  | { readonly type: 'inline' }
  | {
      readonly type: 'place';
      readonly place: CachePlace;
      /** The layers of the image, or those of all steps. */
      readonly mode: 'min' | 'max';
      readonly mounts: 'all' | 'none' | readonly string[];
      readonly compression: Compression;
      /** Layers that came compressed another way are compressed again. */
      readonly force: boolean;
      /** A failure does not fail the build. */
      readonly ignoreError: boolean;
    };

type Attributes = Readonly<Record<string, string>>;

const LEVELS = { gzip: 4, zstd: 3 } as const;
const FROM = ['src', 'tag', 'ref', 'mounts'];
const TO = [
  'dest',
  'tag',
  'ref',
  'mode',
  'mounts',
  'compression',
  'compression-level',
  'force-compression',
  'image-manifest',
  'oci-mediatypes',
  'ignore-error',
];

const invalid = (message: string, hint: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'flag.cache', message, { hints: [hint] });

/** @param resolvePath makes a path absolute. Throws invalid-argument 'flag.cache'. */
export function parseCacheImport(type: string, attributes: Attributes, resolvePath: (path: string) => string): CacheImport {
  known('--cache-from', type, attributes, FROM);
  // an image with an inline cache is found as any other cache at a registry is
  const from = type === 'inline' ? 'registry' : type;
  return { place: placeOf('--cache-from', from, attributes, 'src', resolvePath), mounts: mountsOf(attributes['mounts'] ?? 'true') };
}

export function parseCacheExport(type: string, attributes: Attributes, resolvePath: (path: string) => string): CacheExport {
  known('--cache-to', type, attributes, TO);
  if (type === 'inline') {
    if (attributes['mode'] === 'max')
      throw invalid('an inline cache has the layers of the image only', 'mode=max needs type=local or type=registry');
    return { type: 'inline' };
  }
  const mode = attributes['mode'] ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw invalid(`invalid mode ${JSON.stringify(mode)} of --cache-to`, 'mode=min or mode=max');
  const kind = attributes['compression'] ?? 'zstd';
  if (kind !== 'gzip' && kind !== 'zstd')
    throw invalid(`invalid compression ${JSON.stringify(kind)} of --cache-to`, 'compression=zstd or compression=gzip');
  const level = Number(attributes['compression-level'] ?? LEVELS[kind]);
  if (!Number.isInteger(level) || level < 1 || level > (kind === 'gzip' ? 9 : 19))
    throw invalid(`invalid level of compression: ${attributes['compression-level']}`, 'gzip has 1 to 9, zstd 1 to 19');
  if (attributes['image-manifest'] === 'false' || attributes['oci-mediatypes'] === 'false')
    throw invalid('caches are written as OCI image manifests', 'leave image-manifest and oci-mediatypes out');
  return {
    type: 'place',
    place: placeOf('--cache-to', type, attributes, 'dest', resolvePath),
    mode,
    mounts: mountsOf(attributes['mounts'] ?? 'false'),
    compression: { kind, level },
    force: attributes['force-compression'] === 'true',
    ignoreError: attributes['ignore-error'] === 'true',
  };
}

function known(flag: string, type: string, attributes: Attributes, keys: readonly string[]): void {
  const strange = Object.keys(attributes).find((key) => !keys.includes(key));
  if (strange !== undefined) throw invalid(`${flag} type=${type} has no attribute ${JSON.stringify(strange)}`, `it has ${keys.join(', ')}`);
}

function placeOf(
  flag: string,
  type: string,
  attributes: Attributes,
  path: 'src' | 'dest',
  resolvePath: (path: string) => string,
): CachePlace {
  if (type === 'local') {
    const at = attributes[path] ?? '';
    if (at === '') throw invalid(`${flag} type=local requires ${path}`, `${flag} type=local,${path}=DIR`);
    return { type, path: resolvePath(at), tag: attributes['tag'] ?? 'latest' };
  }
  if (type === 'registry') {
    const ref = attributes['ref'] ?? '';
    if (ref === '') throw invalid(`${flag} type=registry requires ref`, `${flag} type=registry,ref=registry.example/app:cache`);
    return { type, ref };
  }
  throw invalid(`${flag} type=${type} is not supported: it is a service of others`, 'local, registry and inline are');
}

/** `true`, `false`, or ids with semicolons between them. */
function mountsOf(text: string): CacheImport['mounts'] {
  if (text === 'true') return 'all';
  return text === 'false' ? 'none' : text.split(';').filter((id) => id !== '');
}
