// Manifests and indexes (OCI image-spec, manifest.md and image-index.md), checked where bytes come from outside.
import type { Descriptor } from './descriptor.ts';
import { isIndexType, isManifestType, MediaType } from './descriptor.ts';
import { isDigest, supportedDigest } from './digest.ts';
import { SlipwayError } from './errors.ts';
import { asRecord, parseJson, type JsonRecord } from './json.ts';

export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export interface Index {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  manifests: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

const INVALID = 'manifest.invalid';

/** Throws data-loss 'manifest.invalid', unsupported 'digest.unsupported'. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const value = parseJson(bytes, INVALID, 'manifest');
  checkHead(value, 'manifest');
  if (typeof value['mediaType'] === 'string' && !isManifestType(value['mediaType']))
    throw invalid(`a manifest cannot have the media type ${value['mediaType']}`);
  checkDescriptor(value['config'], 'config');
  checkDescriptors(value['layers'], 'layers');
  if (value['subject'] !== undefined) checkDescriptor(value['subject'], 'subject');
  return value as unknown as Manifest;
}

/** Throws data-loss 'manifest.invalid', unsupported 'digest.unsupported'. */
export function parseIndex(bytes: Uint8Array): Index {
  const value = parseJson(bytes, INVALID, 'index');
  checkHead(value, 'index');
  if (typeof value['mediaType'] === 'string' && !isIndexType(value['mediaType']))
    throw invalid(`an index cannot have the media type ${value['mediaType']}`);
  checkDescriptors(value['manifests'], 'manifests');
  if (value['subject'] !== undefined) checkDescriptor(value['subject'], 'subject');
  return value as unknown as Index;
}

/** What the bytes are, when no media type came with them; undefined when they are neither. */
export function sniffMediaType(bytes: Uint8Array): string | undefined {
  let value: JsonRecord;
  try {
    value = parseJson(bytes, INVALID, 'manifest');
  } catch {
    return undefined;
  }
  if (typeof value['mediaType'] === 'string') return value['mediaType'];
  if (Array.isArray(value['manifests'])) return MediaType.ociIndex;
  if (Array.isArray(value['layers'])) return MediaType.ociManifest;
  return undefined;
}

function checkHead(value: JsonRecord, what: string): void {
  if (value['artifactType'] === null) delete value['artifactType'];
  if (value['artifactType'] !== undefined && typeof value['artifactType'] !== 'string') throw invalid('"artifactType" is not a string');
  if (value['schemaVersion'] !== 2)
    throw invalid(`schema version ${JSON.stringify(value['schemaVersion'])} of the ${what} is not supported`);
}

function checkDescriptors(value: unknown, field: string): void {
  if (!Array.isArray(value)) throw invalid(`"${field}" is not a list`);
  value.forEach((d, i) => checkDescriptor(d, `${field}[${i}]`));
}

const isText = (value: unknown): boolean => typeof value === 'string';
const OPTIONAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  annotations: (value) => Object.values(asRecord(value) ?? [0]).every(isText),
  platform: (value) => {
    const platform = asRecord(value);
    return platform !== undefined && isText(platform['os']) && isText(platform['architecture']) && isText(platform['variant'] ?? '');
  },
  urls: (value) => Array.isArray(value) && value.every(isText),
  artifactType: isText,
  data: isText,
};

function checkDescriptor(value: unknown, field: string): void {
  const d = asRecord(value);
  if (d === undefined) throw invalid(`"${field}" is not a descriptor`);
  if (typeof d['mediaType'] !== 'string') throw invalid(`"${field}" has no media type`);
  if (typeof d['digest'] !== 'string' || !isDigest(d['digest'])) throw invalid(`"${field}" has no valid digest`);
  supportedDigest(d['digest']);
  for (const [key, isRight] of Object.entries(OPTIONAL)) {
    if (d[key] === null) delete d[key];
    if (d[key] !== undefined && !isRight(d[key])) throw invalid(`"${field}.${key}" makes no sense`);
  }
  if (!Number.isSafeInteger(d['size']) || (d['size'] as number) < 0) throw invalid(`"${field}" has no valid size`);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('data-loss', INVALID, message);
}
