// What is in the main context, what its ignore file leaves out, and which steps read which file. Nothing is built, and no file is read.
import { lstatSync, type Stats } from 'node:fs';
import { targetStage } from '../../dockerfile/index.ts';
import { topological } from '../../graph/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import { listNames, nativePath } from '../../sys/index.ts';
import { withCleanupSync } from '../../util/index.ts';
import { Lowering } from '../lower/index.ts';
import { BaseImages, MAIN_CONTEXT } from '../sources/index.ts';
import { FileDigests, type PathFilter } from '../steps/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { nodesOf } from './build.ts';
import { BuildDriver, verticesOf } from './driver.ts';
import { readDockerfile } from './read.ts';

export interface ContextFile {
  /** From the root of the context. */
  readonly path: string;
  /** Bytes; 0 for what is no regular file. */
  readonly size: number;
  /** Names of the steps that the target needs and that read it. */
  readonly readBy: readonly string[];
}

export interface ExcludedFiles {
  /** A directory, all of it, ends in `/`. */
  readonly path: string;
  readonly files: number;
  /** Bytes. */
  readonly size: number;
  readonly pattern?: string;
  /** In the ignore file, from 1. */
  readonly line?: number;
}

export interface ContextList {
  /** By path, those that are left out not among them. */
  readonly files: readonly ContextFile[];
  readonly excluded: readonly ExcludedFiles[];
  /** The ignore file in use. */
  readonly ignoreFile?: string;
  /** Steps that would fail, since what they name is not there. */
  readonly missing: readonly { readonly step: string; readonly message: string }[];
}

/** Stands in for the digests of files where only their paths matter. */
class Unread extends FileDigests {
  static readonly #digest = Buffer.alloc(32);

  override known(): Buffer {
    return Unread.#digest;
  }
}

export async function listContext(env: BuildEnvironment, request: BuildJob): Promise<ContextList> {
  const { dockerfile } = readDockerfile(request);
  const bases = new BaseImages(env, request);
  const { state } = await new Lowering(bases, request, dockerfile).lower(targetStage(dockerfile, request.target));
  using lease = env.leases.create();
  const readers = new Map<string, string[]>();
  const driver = new BuildDriver(env, request, bases, lease, {
    onList: () => {},
    onWork: () => {},
    onPath: (v, path) => {
      const steps = readers.get(path);
      if (steps === undefined) readers.set(path, [v.name]);
      else if (steps.at(-1) !== v.name) steps.push(v.name);
    },
  });
  const work = (): ContextList => {
    const missing: { step: string; message: string }[] = [];
    for (const v of verticesOf(topological(nodesOf(state))))
      for (const [i, input] of v.inputs.entries()) {
        const { op } = input.node;
        const context = op.kind === 'source' && op.identifier === MAIN_CONTEXT ? driver.peek(input) : undefined;
        if (context?.kind !== 'directory') continue;
        try {
          driver.contentKey(v, i, { ...context, digests: new Unread(undefined) });
        } catch (e) {
          if (!isSlipwayError(e)) throw e;
          missing.push({ step: v.name, message: e.message });
        }
      }
    const { root, ignore } = request.context;
    const walk = new ContextWalk(root, ignore);
    walk.directory('');
    return {
      files: walk.files.map((file) => ({ ...file, readBy: readers.get(file.path) ?? [] })),
      excluded: walk.excluded,
      ...(ignore?.name !== undefined && { ignoreFile: ignore.name }),
      missing,
    };
  };
  return withCleanupSync(work, () => driver.close());
}

class ContextWalk {
  readonly files: { path: string; size: number }[] = [];
  readonly excluded: ExcludedFiles[] = [];
  readonly #root: string;
  readonly #ignore: PathFilter | undefined;

  constructor(root: string, ignore: PathFilter | undefined) {
    this.#root = root;
    this.#ignore = ignore;
  }

  directory(directory: string): void {
    for (const { path, stat } of this.#entries(directory)) {
      const { excluded = false, pattern, line } = this.#ignore?.matches(path) ?? {};
      const why = { ...(pattern !== undefined && { pattern }), ...(line !== undefined && { line }) };
      if (stat.isDirectory()) {
        if (excluded && this.#ignore?.mayContainIncluded(path) === false)
          this.excluded.push({ path: `${path}/`, ...this.#total(path), ...why });
        else this.directory(path);
      } else {
        const size = stat.isFile() ? stat.size : 0;
        if (excluded) this.excluded.push({ path, files: 1, size, ...why });
        else this.files.push({ path, size });
      }
    }
  }

  #total(directory: string): { files: number; size: number } {
    let [files, size] = [0, 0];
    const directories = [directory];
    for (let next = directories.pop(); next !== undefined; next = directories.pop())
      for (const { path, stat } of this.#entries(next)) {
        if (stat.isDirectory()) directories.push(path);
        else {
          files++;
          size += stat.isFile() ? stat.size : 0;
        }
      }
    return { files, size };
  }

  #entries(directory: string): { path: string; stat: Stats }[] {
    return listNames(nativePath(directory === '' ? this.#root : `${this.#root}/${directory}`)).map((name) => {
      const path = directory === '' ? name : `${directory}/${name}`;
      return { path, stat: lstatSync(nativePath(`${this.#root}/${path}`)) };
    });
  }
}
