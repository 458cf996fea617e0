// What the graph calls the sources of a build: images and the contexts of `--build-context`. Pure.
import { quote } from '../../dockerfile/index.ts';
import type { FileOp } from '../../graph/index.ts';
import { formatReference, isSlipwayError, parseReference, type Reference, withDefaultTag } from '../../model/index.ts';
import type { NamedContext } from '../context/index.ts';

export interface Named {
  /** As `--build-context` has it. */
  readonly key: string;
  readonly context: NamedContext;
}

/** `--build-context x=docker-image://scratch` is as empty as scratch itself. */
export const isScratch = (name: string, named: Named | undefined): boolean =>
  named ? named.context.kind === 'image' && named.context.ref === 'scratch' : name === 'scratch';

/** As the graph names an image: by the reference that it was found by, or by the name of the context that is one. */
export function identifierOf(name: string, named: Named | undefined): string {
  if (named?.context.kind === 'layout') return `oci-layout://${named.key}`;
  return `docker-image://${formatReference(referenceOf(named?.context.kind === 'image' ? named.context.ref : name))}`;
}

export function referenceOf(name: string): Reference {
  try {
    return withDefaultTag(parseReference(name));
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw e.withContext({ message: `failed to parse stage name ${quote(name)}: ${e.message}` });
  }
}

/** Copies all of input 1: a directory as the files that a stage begins with. */
export const COPY_ALL: FileOp = {
  kind: 'file',
  actions: [
    {
      action: 'copy',
      instruction: 'COPY',
      input: 1,
      from: 'context',
      sources: ['/'],
      files: [],
      destination: '/',
      workdir: '/',
      parents: false,
      link: false,
      excludes: [],
    },
  ],
};
