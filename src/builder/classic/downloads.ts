// What ADD of the original engine takes by HTTP. It knows no Git repositories; their addresses are those of files.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { AddInstruction } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { download, fileNameOf, isHttpUrl, withoutCredentials } from '../../remote/index.ts';
import { removeTree } from '../../sys/index.ts';
import type { Download } from './copy.ts';

export class Downloads implements Disposable {
  readonly #scratch: string;
  readonly #all: Download[] = [];

  constructor(scratch: string) {
    this.#scratch = scratch;
  }

  get all(): readonly Download[] {
    return this.#all;
  }

  async bring(instruction: AddInstruction, signal: AbortSignal): Promise<void> {
    for (const url of instruction.sources.filter(isHttpUrl)) {
      const own = !URL.canParse(url) || new URL(url).pathname.endsWith('/') ? undefined : fileNameOf(url);
      if (own === undefined && instruction.dest.endsWith('/')) {
        const shown = withoutCredentials(url);
        throw new SlipwayError('invalid-argument', 'add.no-name', `ADD failed: cannot determine filename for source ${shown}`, {
          hints: ['name the file: a destination without a slash at its end'],
        });
      }
      const name = own ?? 'download';
      const folder = mkdtempSync(join(this.#scratch, 'remote-'));
      try {
        const { digest } = await download(url, { folder, name, signal });
        this.#all.push({ url, folder, name, digest });
      } catch (e) {
        removeTree(folder);
        throw e;
      }
    }
  }

  [Symbol.dispose](): void {
    for (const { folder } of this.#all) removeTree(folder);
  }
}
