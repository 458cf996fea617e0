// COPY and ADD of the original engine: the content's checksum is the cache key, and stands in the history.
import { createHash } from 'node:crypto';
import type { AddInstruction, CopyInstruction } from '../../dockerfile/index.ts';
import { type Digest, digestHex, SlipwayError } from '../../model/index.ts';
import { RootedTree } from '../../sys/index.ts';
import type { BuildContext } from '../context/index.ts';
import { digestOfFound } from '../steps/content.ts';
import type { FileDigests } from '../steps/digests.ts';
import { findSources, type Found, literalPattern } from '../steps/sources.ts';
import type { CopyRequest } from '../steps/types.ts';
import type { StageState } from './state.ts';

/** Where COPY reads from: the context, or the mounted file system of a stage or image. */
export type CopyOrigin =
  | { readonly kind: 'context'; readonly context: BuildContext; readonly digests: FileDigests }
  | { readonly kind: 'stage'; readonly root: string };

/** A file that ADD has brought from elsewhere. */
export interface Download {
  readonly url: string;
  readonly folder: string;
  readonly name: string;
  readonly digest: Digest;
}

export interface PlannedCopy {
  /** For history and cache: `COPY file:… in /dest `. */
  readonly comment: string;
  readonly request: CopyRequest;
}

/** Finds the sources and sums them up; throws 'copy.*' in the original engine's words. */
export function planCopy(
  instruction: CopyInstruction | AddInstruction,
  origin: CopyOrigin,
  downloads: readonly Download[],
  state: StageState,
  now: number,
): PlannedCopy {
  const { kind, dest, chown } = instruction;
  const sources = instruction.sources.filter((s) => !downloads.some((d) => d.url === s));
  const root = origin.kind === 'context' ? origin.context.root : origin.root;
  const ignore = origin.kind === 'context' ? origin.context.ignore : undefined;
  const options = {
    kind: origin.kind,
    style: 'classic' as const,
    instruction: kind,
    ...(ignore ? { ignore } : {}),
    ...(origin.kind === 'context' ? { cache: origin.digests } : {}),
  };
  using tree = new RootedTree(root);
  const found = sources.flatMap((pattern) => findSources(tree, pattern, options));
  if (found.length + downloads.length === 0)
    throw new SlipwayError('not-found', 'copy.no-sources', `${kind} failed: no source files were specified`);
  const sums = [
    ...found.map((one) => sum(one, digestOfFound(root, [one], options))),
    ...downloads.map((d) => `file:${digestHex(d.digest)}`),
  ];
  const total = sums.length === 1 ? sums[0]! : `multi:${createHash('sha256').update(sums.join(',')).digest('hex')}`;
  return {
    comment: `#(nop) ${kind} ${chown ? `--chown=${chown} ` : ''}${total} in ${dest} `,
    request: {
      instruction: kind,
      style: 'classic',
      sources: [
        { root, patterns: sources, kind: origin.kind, ...(ignore ? { ignore } : {}) },
        ...downloads.map((d) => ({ root: d.folder, patterns: [literalPattern(d.name)], kind: 'context' as const, unpack: false })),
      ],
      destination: dest,
      workdir: state.config.WorkingDir || '/',
      ...(chown ? { chown } : {}),
      now,
    },
  };
}

const sum = (found: Found, digest: string): string => `${found.stat.isDirectory() ? 'dir' : 'file'}:${digest.slice('sha256:'.length)}`;
