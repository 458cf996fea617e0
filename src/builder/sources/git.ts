// Git repositories as sources of a build: a commit is all that tells them apart.
import type { SourceOp } from '../../graph/index.ts';
import type { Layout } from '../../store/index.ts';
import { removeTree } from '../../sys/index.ts';
import type { Result } from '../result.ts';
import { FileDigests } from '../steps/index.ts';
import { bring, type Elsewhere } from '../elsewhere.ts';
import type { Source } from './types.ts';

export class GitSource implements Source {
  readonly #layout: Layout;
  readonly #request: Elsewhere;
  readonly #folders: string[] = [];

  constructor(layout: Layout, request: Elsewhere) {
    this.#layout = layout;
    this.#request = request;
  }

  key({ git }: SourceOp): string {
    const { commit, keepGitDir, submodules, folder } = git!;
    return `git:${commit}:${keepGitDir ? 'with .git' : ''}:${submodules ? 'with submodules' : ''}:${folder}`;
  }

  /** Throws as `checkOut` does. */
  async bring(op: SourceOp): Promise<Result> {
    const { root, remove } = await bring(op, this.#layout.ingest, this.#request);
    this.#folders.push(remove);
    return { kind: 'directory', root, ignore: undefined, digests: new FileDigests(undefined) };
  }

  close(): void {
    for (const folder of this.#folders) removeTree(folder);
  }
}
