// What the two formats of archives have in common once their documents are read: a plan of the images to make.
import { parseImageConfig, parseJsonValue } from '../../model/index.ts';
import type { Digest, ImageConfig } from '../../model/index.ts';
import { malformed } from './errors.ts';

export interface LayerPlan {
  /** The member that holds it. */
  readonly name: string;
  readonly diffId: Digest;
  /** Of the member, where the archive says it. */
  readonly digest?: Digest;
  readonly mediaType?: string;
}

export interface ImagePlan {
  readonly config: Buffer;
  /** Bottom first. */
  readonly layers: readonly LayerPlan[];
  /** Whole names. */
  readonly names: readonly string[];
  readonly manifest?: { readonly bytes: Buffer; readonly mediaType: string };
}

export function parseDocument(bytes: Buffer, name: string): unknown {
  return parseJsonValue(bytes, 'archive.malformed', name);
}

/** Reads a configuration that must account for so many layers. */
export function asImageConfig(bytes: Buffer, layers: number): ImageConfig {
  const config = parseImageConfig(bytes);
  const { length } = config.rootfs.diff_ids;
  if (length !== layers) throw malformed(`an image has ${layers} layers, but its configuration names ${length}`);
  return config;
}
