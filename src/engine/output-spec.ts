// What `--output` says: the exporters of BuildKit with their attributes (docs.docker.com/build/exporters). Data only.
import { resolve } from 'node:path';
import { parseReference, SlipwayError } from '../model/index.ts';
import type { Compression } from '../registry/index.ts';

/** One annotation: on what, and for which platform, if not for all. */
export interface Annotation {
  readonly on: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
  readonly platform?: string;
  readonly key: string;
  readonly value: string;
}

/** One `--output` as written. */
export interface OutputRequest {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** How an image is written down. */
export interface ImageForm {
  /** Of layers that are not compressed yet; what suits the place when left out. */
  readonly compression?: Compression | 'none';
  /** Layers that are compressed another way are compressed again. */
  readonly force: boolean;
  /** Docker's media types instead of OCI's. */
  readonly dockerTypes: boolean;
  readonly annotations: readonly Annotation[];
}

/** How the files of an image are written down. */
export interface FilesForm {
  /** A folder for each platform; where there are several platforms, when left out. */
  readonly split?: boolean;
  readonly attestationPrefix: string;
  /** Seconds since the epoch: the time of all files. */
  readonly epoch?: number;
}

export interface ImageOutput {
  readonly kind: 'image';
  readonly names: readonly string[];
  readonly push: boolean;
  readonly store: boolean;
  /** What is pushed gets no tag. */
  readonly byDigest: boolean;
  /** A further name with the digest. */
  readonly canonical: boolean;
  /** A name that it gets with its digest, always or when it has no other. */
  readonly dangling?: { readonly prefix: string; readonly emptyOnly: boolean };
  readonly insecure: boolean;
  readonly form: ImageForm;
}

/** An output that is understood. `dest` of one that was read is an absolute path, or 1 for standard output; that of a request is a name
 * that the caller's session knows; that of one to be written is where it goes. */
export type Output<D = string | 1> =
  | ImageOutput
  | { readonly kind: 'cacheonly' }
  | {
      readonly kind: 'archive';
      readonly format: 'docker' | 'oci';
      readonly names: readonly string[];
      readonly dest: D;
      readonly form: ImageForm;
    }
  | { readonly kind: 'layout'; readonly names: readonly string[]; readonly dest: D; readonly form: ImageForm }
  | { readonly kind: 'tar'; readonly dest: D; readonly files: FilesForm }
  | { readonly kind: 'local'; readonly dest: D; readonly files: FilesForm };

const IMAGE = [
  'name',
  'compression',
  'compression-level',
  'force-compression',
  'oci-mediatypes',
  'rewrite-timestamp',
  'source-date-epoch',
  'attestation-inline',
  'prefer-nondist-layers',
  'oci-artifact',
];
const STORED = [
  ...IMAGE,
  'push',
  'push-by-digest',
  'registry.insecure',
  'store',
  'unpack',
  'name-canonical',
  'dangling-name-prefix',
  'danging-name-empty-only',
];
const FILES = ['dest', 'platform-split', 'attestation-prefix', 'source-date-epoch'];
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  image: STORED,
  registry: STORED.filter((key) => key !== 'push'),
  docker: [...IMAGE, 'dest', 'tar'],
  oci: [...IMAGE, 'dest', 'tar'],
  tar: FILES,
  local: FILES,
  cacheonly: [],
};

const invalid = (code: string, message: string, ...hints: string[]): SlipwayError =>
  new SlipwayError('invalid-argument', code, message, { hints });
const unsupported = (message: string, ...hints: string[]): SlipwayError =>
  new SlipwayError('unsupported', 'output.attribute', message, { hints });

/**
 * Reads what `--output` says. Throws invalid-argument 'output.*' in BuildKit's words, unsupported 'output.attribute'.
 * @param terminal standard output is a terminal, which gets no archive
 */
export function parseOutput(o: OutputRequest, cwd: string, terminal: boolean): Output {
  const { type, attributes } = o;
  const known = KNOWN[type];
  if (known === undefined) {
    throw invalid(
      'output.type',
      `exporter ${JSON.stringify(type)} could not be found${type === 'tmp' ? ' (did you mean tar?)' : ''}`,
      `there are ${Object.keys(KNOWN).join(', ')}`,
    );
  }
  const annotatable = type !== 'tar' && type !== 'local' && type !== 'cacheonly';
  const strange = Object.keys(attributes).find((key) => !known.includes(key) && !(annotatable && ANNOTATION.test(key)));
  if (strange !== undefined) {
    throw unsupported(
      `the ${type} exporter has no attribute ${JSON.stringify(strange)}`,
      known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`,
    );
  }
  const a = new Attributes(attributes);
  const names = (attributes['name'] ?? '').split(',').filter((name) => name !== '');
  const dest = attributes['dest'] ?? '';
  switch (type) {
    case 'registry':
    case 'image':
      return imageOutput(a, names, type === 'registry' || a.flag('push', false));
    case 'cacheonly':
      return { kind: 'cacheonly' };
    case 'local':
      if (dest === '' || dest === '-') throw invalid('output.dest', 'dest is required for local exporter', '--output type=local,dest=DIR');
      return { kind: 'local', dest: resolve(cwd, dest), files: filesForm(a) };
    case 'docker':
    case 'oci': {
      const form = imageForm(a);
      if (type === 'docker' && dest === '') {
        if (isPlain(form)) return { ...imageOutput(a, names, false), store: true };
        throw unsupported('the store keeps an image in its own form', 'write it to a file: -o type=docker,dest=FILE');
      }
      if (a.flag('tar', true)) return { kind: 'archive', format: type, names, dest: target(type, dest, cwd, terminal), form };
      if (dest === '' || dest === '-') throw invalid('output.dest', `dest is required for ${type} exporter with tar=false`);
      if (type === 'docker') throw unsupported('the docker exporter writes an archive', 'use type=oci,tar=false for a folder');
      return { kind: 'layout', names, dest: resolve(cwd, dest), form };
    }
    default:
      return { kind: 'tar', dest: target(type, dest, cwd, terminal), files: filesForm(a) };
  }
}

/** Written as the store has it. */
export const isPlain = (f: ImageForm): boolean => f.compression === undefined && !f.force && !f.dockerTypes && f.annotations.length === 0;

/** Attributes by name, read as Go's programs read them. */
class Attributes {
  readonly all: Readonly<Record<string, string>>;

  constructor(all: Readonly<Record<string, string>>) {
    this.all = all;
  }

  flag(name: string, otherwise: boolean): boolean {
    const text = this.all[name];
    if (text === undefined) return otherwise;
    if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
    throw invalid('output.attribute', `non-bool value specified for ${name}: ${JSON.stringify(text)}`);
  }
}

function imageOutput(a: Attributes, names: readonly string[], push: boolean): ImageOutput {
  const form = imageForm(a);
  const byDigest = a.flag('push-by-digest', false);
  const canonical = a.flag('name-canonical', false);
  const prefix = a.all['dangling-name-prefix'] ?? '';
  const store = a.flag('store', true);
  const insecure = a.flag('registry.insecure', false);
  if (a.flag('unpack', false) && a.flag('rewrite-timestamp', false))
    throw invalid('output.attribute', 'exporter option "rewrite-timestamp" conflicts with "unpack"');
  if (byDigest) {
    const tagged = names.find((name) => parseReference(name).tag !== undefined);
    if (tagged !== undefined) throw invalid('output.by-digest', `can't push tagged ref ${tagged} by digest`);
  }
  if (!push) {
    const lacking = (
      [
        ['name-canonical', canonical],
        ['dangling-name-prefix', prefix !== ''],
        ['push-by-digest', byDigest],
        ['registry.insecure', insecure],
      ] as const
    ).find(([, set]) => set);
    if (lacking !== undefined)
      throw unsupported(`${lacking[0]} needs push=true: an image has a manifest, and the digest of it, when it is pushed`);
    if (!isPlain(form))
      throw unsupported('the store keeps an image in its own form', 'push it (push=true), or write it to a file: -o type=oci,dest=FILE');
  }
  return {
    kind: 'image',
    names,
    push,
    store,
    byDigest,
    canonical,
    ...(prefix !== '' && { dangling: { prefix, emptyOnly: a.flag('danging-name-empty-only', false) } }),
    insecure,
    form,
  };
}

const LEVELS = { gzip: { usual: 4, most: 9 }, zstd: { usual: 3, most: 22 } } as const;

function imageForm(a: Attributes): ImageForm {
  if (a.flag('prefer-nondist-layers', false))
    throw unsupported('layers of another party are written like all others: prefer-nondist-layers');
  if (!a.flag('attestation-inline', true)) throw unsupported('attestations are part of the list: attestation-inline=false');
  if (a.flag('oci-artifact', false)) throw unsupported('attestations are written as image manifests: oci-artifact');
  const dockerTypes = !a.flag('oci-mediatypes', true);
  const annotations = annotationsOf(a.all);
  const compression = compressionOf(a);
  if (dockerTypes && compression !== undefined && compression !== 'none' && compression.kind === 'zstd')
    throw invalid('output.compression', 'exporter option "compression=zstd" conflicts with "oci-mediatypes=false"');
  if (dockerTypes && annotations.length > 0)
    throw invalid('output.annotation', 'annotations need the media types of OCI', 'leave oci-mediatypes=false out');
  return { ...(compression && { compression }), force: a.flag('force-compression', false), dockerTypes, annotations };
}

function compressionOf(a: Attributes): ImageForm['compression'] {
  const { compression: kind, 'compression-level': level } = a.all;
  if (kind === 'estargz') throw unsupported('layers are not compressed as estargz', 'there are uncompressed, gzip and zstd');
  if (kind === 'uncompressed') return 'none';
  if (kind !== undefined && kind !== 'gzip' && kind !== 'zstd')
    throw invalid('output.compression', `unsupported layer compression type: ${kind}`, 'there are uncompressed, gzip and zstd');
  if (kind === undefined && level === undefined) return undefined;
  const { usual, most } = LEVELS[kind ?? 'gzip'];
  if (level !== undefined && !/^\d+$/.test(level))
    throw invalid('output.compression', `non-integer value ${JSON.stringify(level)} specified for compression-level`);
  // A level beyond the last is the last, as in BuildKit.
  return { kind: kind ?? 'gzip', level: level === undefined ? usual : Math.min(Number(level), most) };
}

/** `annotation.KEY`, `annotation-manifest.KEY`, `annotation-index[linux/arm64].KEY` … */
const ANNOTATION = /^annotation(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([^\]]+)\])?\.(.+)$/;

function annotationsOf(all: Readonly<Record<string, string>>): Annotation[] {
  return Object.entries(all).flatMap(([name, value]): Annotation[] => {
    const [, on = 'manifest', platform, key] = ANNOTATION.exec(name) ?? [];
    if (key === undefined) return [];
    if (on === 'index-descriptor')
      throw unsupported('no descriptor of a list is written', 'index, manifest and manifest-descriptor are possible');
    return [{ on: on as Annotation['on'], ...(platform !== undefined && { platform }), key, value }];
  });
}

function filesForm(a: Attributes): FilesForm {
  const epoch = a.all['source-date-epoch'];
  if (epoch !== undefined && !/^\d{1,11}$/.test(epoch)) throw invalid('output.epoch', `invalid SOURCE_DATE_EPOCH: ${epoch}`);
  return {
    ...(a.all['platform-split'] !== undefined && { split: a.flag('platform-split', true) }),
    attestationPrefix: a.all['attestation-prefix'] ?? '',
    ...(epoch !== undefined && { epoch: Number(epoch) }),
  };
}

function target(type: string, dest: string, cwd: string, terminal: boolean): string | 1 {
  if (dest !== '' && dest !== '-') return resolve(cwd, dest);
  if (!terminal) return 1;
  throw invalid(
    'output.dest',
    `dest file is required for ${type} exporter. refusing to write to console`,
    `--output type=${type},dest=FILE, or send standard output elsewhere`,
  );
}
