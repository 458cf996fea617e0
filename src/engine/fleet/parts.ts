// A build on several builders: its parts, each on the builder that a hash of the project and the part's first stage gives, so that it finds its cache
// again. What one part needs of another comes here as files, and goes on from here. Those that need nothing of each other are built side by side.
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type BuildJob, type Part, type RemoteBuilders, stepReporter } from '../../builder/index.ts';
import type { Lease } from '../../content/index.ts';
import { loadArchive } from '../../image/index.ts';
import { type BuilderEndpoint, isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Llb } from '../../protocol/index.ts';
import { removeTree } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import { expanded, inOrder } from './address.ts';
import { solveAt } from './solve.ts';
import { Translation } from './translation.ts';

export function remoteBuilders(engine: Engine, builders: readonly BuilderEndpoint[], lease: () => Lease): RemoteBuilders {
  let all: Promise<BuilderEndpoint[]> | undefined;
  const known = (): Promise<BuilderEndpoint[]> => (all ??= expanded(builders));
  return {
    places: async ({ identity }) => {
      const found = await known();
      return (group) => inOrder(found, keyOf(identity, group))[0]?.address ?? '';
    },
    solve: async ({ parts, encode }, job) => {
      const folder = mkdtempSync(join(engine.layout.ingest, 'fleet-'));
      try {
        const run = new PartRun(engine, await known(), job, encode, folder);
        const archive = await run.all(parts);
        const [loaded] = await loadArchive(engine.images, archive, { lease: lease(), signal: job.signal });
        if (loaded === undefined) throw new SlipwayError('data-loss', 'fleet.no-image', 'the builder sent no image');
        return loaded.image;
      } finally {
        removeTree(folder);
      }
    },
  };
}

const keyOf = (identity: string, group: string): string => `${identity}\0${group}`;

interface PartFiles {
  readonly path: string;
  /** Of its folder, which is another one for other files: what builders keep of a folder they compare by times and sizes. */
  readonly name: string;
}

class PartRun {
  readonly #engine: Engine;
  readonly #builders: readonly BuilderEndpoint[];
  readonly #job: BuildJob;
  readonly #encode: (part: Part, folderOf: (part: Part) => string) => Llb;
  readonly #folder: string;
  readonly #stop = new AbortController();
  readonly #translation: Translation;
  /** Builders that were lost: nothing more is asked of them. */
  readonly #lost = new Set<string>();
  readonly #files = new Map<Part, Promise<PartFiles>>();

  constructor(
    engine: Engine,
    builders: readonly BuilderEndpoint[],
    job: BuildJob,
    encode: (part: Part, folderOf: (part: Part) => string) => Llb,
    folder: string,
  ) {
    this.#engine = engine;
    this.#builders = builders;
    this.#job = job;
    this.#encode = encode;
    this.#folder = folder;
    this.#translation = new Translation(job.onEvent);
  }

  /** @returns the archive that the last one gives. @throws what the first one throws that fails; the others are stopped before */
  async all(parts: readonly Part[]): Promise<string> {
    for (const [i, part] of parts.entries()) {
      const solving = this.#solve(part, join(this.#folder, `${i}.tar`), parts.length > 1);
      this.#files.set(part, solving);
      solving.catch((e: unknown) => this.#stop.abort(e));
    }
    const settled = await Promise.allSettled(this.#files.values());
    this.#job.signal.throwIfAborted();
    // what was stopped because of another one says only that
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason as Error;
    const last = settled.at(-1);
    if (last?.status !== 'fulfilled') throw last?.reason as Error;
    return last.value.path;
  }

  async #solve(part: Part, result: string, several: boolean): Promise<PartFiles> {
    const needed = await Promise.all(part.needs.map(async (p) => [p, await (this.#files.get(p) as Promise<PartFiles>)] as const));
    const files = new Map(needed);
    const llb = this.#encode(part, (p) => (files.get(p) as PartFiles).name);
    const folders = new Map(needed.map(([, f]) => [f.name, f.path]));
    const exporter = part.paths === undefined ? 'docker' : 'tar';
    await this.#onSome(part, several, async (builder, signal, id) => {
      await solveAt(builder, { job: this.#job, llb, exporter, result, folders, translation: this.#translation, signal });
      const { size } = statSync(result);
      this.#job.onEvent({ type: 'progress', id, name: 'receiving the result', current: size, total: size, done: true });
    });
    if (part.paths === undefined) return { path: result, name: '' };
    const hash = createHash('sha256');
    await pipeline(createReadStream(result), hash);
    return { path: result, name: `part-${hash.digest('hex').slice(0, 24)}` };
  }

  /** Tries one builder after the other, until one is not lost. */
  async #onSome(
    part: Part,
    several: boolean,
    solve: (builder: BuilderEndpoint, signal: AbortSignal, id: string) => Promise<void>,
  ): Promise<void> {
    const signal = AbortSignal.any([this.#job.signal, this.#stop.signal]);
    const order = inOrder(this.#builders, keyOf(this.#job.identity, part.group));
    let last: SlipwayError | undefined;
    for (const builder of order) {
      if (this.#lost.has(builder.address)) continue;
      signal.throwIfAborted();
      const what = several ? (part.paths === undefined ? ' the result' : ` ${part.paths.join(', ')} of ${part.group}`) : '';
      const name = `[internal] solve${what} on builder ${builder.address}`;
      const report = stepReporter(this.#job.onEvent, this.#engine.now, name);
      report('started');
      try {
        await solve(builder, signal, `internal:${name}`);
        report('done');
        return;
      } catch (e) {
        report('failed', e);
        if (!isSlipwayError(e) || e.kind !== 'unavailable' || !e.code.startsWith('fleet.')) throw e;
        last = e;
        this.#lost.add(builder.address);
        const left = order.some((b) => !this.#lost.has(b.address));
        this.#job.onEvent({ type: 'warning', message: `${e.message}; ${left ? 'trying the next one' : 'there is no other'}` });
      }
    }
    throw last ?? new SlipwayError('unavailable', 'fleet.unreachable', 'no builder is left');
  }
}
