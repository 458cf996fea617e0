// The directories of a build as sources: the main context, and those of `--build-context`. They are read where they lie.
import type { SourceOp } from '../../graph/index.ts';
import type { Result } from '../result.ts';
import { type FileDigests, openFileDigests } from '../steps/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import type { Source } from './types.ts';

export const MAIN_CONTEXT = 'local://context';
export const contextIdentifier = (key: string): string => `${MAIN_CONTEXT}:${key}`;

/** The named context that a source is; undefined for the main one. */
const contextName = (identifier: string): string | undefined =>
  identifier.startsWith(`${MAIN_CONTEXT}:`) ? identifier.slice(MAIN_CONTEXT.length + 1) : undefined;

export class LocalSource implements Source {
  readonly #env: Pick<BuildEnvironment, 'layout'>;
  readonly #request: Pick<BuildJob, 'context' | 'namedContexts'>;
  readonly #digests = new Map<string, FileDigests>();

  constructor(env: Pick<BuildEnvironment, 'layout'>, request: Pick<BuildJob, 'context' | 'namedContexts'>) {
    this.#env = env;
    this.#request = request;
  }

  key(): undefined {
    return undefined;
  }

  peek({ identifier }: SourceOp): Result {
    const name = contextName(identifier);
    const named = name === undefined ? undefined : this.#request.namedContexts.get(name);
    const context = (named?.kind === 'directory' && named.context) || this.#request.context;
    const { root, ignore, keepsOwners = false } = context;
    let digests = this.#digests.get(root);
    if (!digests) this.#digests.set(root, (digests = openFileDigests(this.#env.layout, root)));
    return { kind: 'directory', root, ignore, digests, keepsOwners };
  }

  bring(op: SourceOp): Promise<Result> {
    return Promise.resolve(this.peek(op));
  }

  close(): void {
    for (const digests of this.#digests.values()) digests.save();
  }
}
